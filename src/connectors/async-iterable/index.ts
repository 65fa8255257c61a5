/** `millrace/connectors/async-iterable`: a source of an async iterable's values. */
export { type AsyncIterableSplit, asyncIterableSource } from './async-iterable-source.ts';
