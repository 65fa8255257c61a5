/** `millrace/connectors/collection`: a bounded source of given values. */
export { collectionSource, type CollectionSplit } from './collection-source.ts';
