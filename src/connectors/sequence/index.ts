/** `millrace/connectors/sequence`: a bounded source of whole numbers. */
export { sequenceSource, type SequenceSplit } from './sequence-source.ts';
