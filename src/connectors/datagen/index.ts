/** `millrace/connectors/datagen`: a source of made-up records, at a rate if wanted. */
export { type DataGeneratorOptions, dataGeneratorSource } from './data-generator-source.ts';
