/**
 * Generates the function that builds a format's rows: plain objects of one shape, fields in
 * declared order.
 *
 * Invariants:
 * 1. Only names that are plain identifiers stand in generated text; all others, `__proto__` first
 *    of all, enter as closure constants and become own properties. Nothing else of the user's
 *    enters the text.
 * 2. Every field is read from the source as an own value: a missing field never finds
 *    `Object.prototype`'s.
 */

/** Converts a field's raw value to its declared type, or throws `RECORD_MALFORMED`. */
export type Converter<V> = (value: V) => unknown;

/** A field's name and how its raw value becomes the declared type. */
export interface FieldConverter<V> {
  readonly name: string;
  readonly convert: Converter<V>;
}

/** A generated builder of rows from a parsed object; missing fields are given as undefined. */
export type ObjectRowMaker = (source: object) => object;
/** A generated builder of rows from the texts of one line. */
export type CellRowMaker<V> = (cells: readonly V[]) => object;
/** A generated builder of rows `from` to `to` of columns of equal length. */
export type ColumnRowMaker = (
  columns: readonly ArrayLike<unknown>[],
  from: number,
  to: number,
) => object[];

/** Rows from objects such as JSON.parse gives. */
export function objectRowMaker(fields: readonly FieldConverter<unknown>[]): ObjectRowMaker {
  const parts = fields.map(({ name }, i) => {
    const read = isSafeName(name) ? `source.${name}` : `own(source, names[${i}])`;
    return `${key(name, i)}: convert${i}(${read})`;
  });
  return compile(fields, `return (source) => ({ ${parts.join(', ')} });`) as ObjectRowMaker;
}

/** A field and the index of the cell that holds it. */
export interface CellConverter<V> extends FieldConverter<V> {
  readonly index: number;
}

/** Rows from cells. */
export function cellRowMaker<V>(fields: readonly CellConverter<V>[]): CellRowMaker<V> {
  const parts = fields.map(({ name, index }, i) => `${key(name, i)}: convert${i}(cells[${index}])`);
  return compile(fields, `return (cells) => ({ ${parts.join(', ')} });`) as CellRowMaker<V>;
}

/** Rows from columns whose values are converted already. */
export function columnRowMaker(names: readonly string[]): ColumnRowMaker {
  const locals = names.map((_, i) => `const column${i} = columns[${i}];`).join(' ');
  const parts = names.map((name, i) => `${key(name, i)}: column${i}[i]`).join(', ');
  const fields = names.map((name) => ({ name, convert: identity }));
  return compile(
    fields,
    `return (columns, from, to) => {
      ${locals}
      const rows = new Array(to - from);
      for (let i = from; i < to; i++) rows[i - from] = { ${parts} };
      return rows;
    };`,
  ) as ColumnRowMaker;
}

type Compiled = (...values: never[]) => unknown;

function compile<V>(fields: readonly FieldConverter<V>[], body: string): Compiled {
  const names = fields.map((field) => field.name);
  const converts = fields.map((field) => field.convert);
  const locals = fields.map((_, i) => `const convert${i} = converts[${i}];`).join(' ');
  const factory = new Function('names', 'converts', 'own', `'use strict'; ${locals} ${body}`);
  return factory(names, converts, ownValue) as Compiled;
}

function ownValue(source: object, name: string): unknown {
  return Object.hasOwn(source, name) ? source[name as keyof object] : undefined;
}

/** In a literal `__proto__: x` would set the prototype; a computed key never does. */
function key(name: string, index: number): string {
  return isSafeName(name) ? name : `[names[${index}]]`;
}

function isSafeName(name: string): boolean {
  return /^[A-Za-z_$][A-Za-z0-9_$]{0,99}$/.test(name) && !(name in Object.prototype);
}

function identity(value: unknown): unknown {
  return value;
}
