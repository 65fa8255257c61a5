/** `millrace/connectors/async-iterable`: a source of an async iterable's values. */
export {
  type AsyncIterableOptions,
  type AsyncIterableSplit,
  asyncIterableSource,
} from './async-iterable-source.ts';
