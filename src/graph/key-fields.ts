/**
 * Key selectors that read named fields. They carry the names, so that generated code can read the
 * columns directly and two graphs can be compared.
 */
import { compile, property } from '../types/codec-generation.ts';
import type { AnyKeySelector, AnyRecord } from './operator-spec.ts';

const KEY_FIELDS: unique symbol = Symbol.for('millrace.keyFields');

interface FieldKeySelector {
  (value: AnyRecord): unknown;
  readonly [KEY_FIELDS]: readonly string[];
}

/** A selector of one field's value, or of an array of several fields' values. */
export function fieldKeySelector(fields: readonly string[]): AnyKeySelector {
  // Hot: a function of its own per selector, so that its reads stay monomorphic and inline.
  const reads = fields.map((field) => property('value', field));
  const key = reads.length === 1 ? reads[0] : `[${reads.join(', ')}]`;
  const select = compile('select-key', {}, `return (value) => ${key};`) as AnyKeySelector;
  return Object.assign(select, { [KEY_FIELDS]: Object.freeze([...fields]) });
}

/** The fields that {@link fieldKeySelector} was given; undefined for any other function. */
export function keyFieldsOf(selector: AnyKeySelector): readonly string[] | undefined {
  return (selector as Partial<FieldKeySelector>)[KEY_FIELDS];
}
