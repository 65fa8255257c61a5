/**
 * Fields of records in the fluent API: their TypeScript types, and their checks where the record's
 * type is declared.
 */
import { MillraceError } from '../../base/errors.ts';
import { structureOf, type TypeInformation } from '../../types/type-information.ts';
import { typeToString } from '../../types/type-text.ts';

/** The names of a record's fields. */
export type FieldOf<T> = T extends object ? Extract<keyof T, string> : never;

/** The names of a record's fields that hold numbers. */
export type NumericFieldOf<T> = T extends object
  ? { [F in FieldOf<T>]-?: T[F] extends number ? F : never }[FieldOf<T>]
  : never;

/**
 * What `sum`, `min` and their like take: nothing for a stream of numbers, else the name of a
 * numeric field.
 */
export type NumericFieldArguments<T> = [T] extends [number] ? [] : [field: NumericFieldOf<T>];

const NUMERIC: ReadonlySet<string> = new Set([
  'int',
  'long',
  'double',
  'timestamp',
  'bigint',
  'generic',
]);
const NO_KEY: ReadonlySet<string> = new Set(['map', 'nothing']);

/**
 * Checks a numeric aggregate's field against the declared type, if there is one.
 *
 * @throws ILLEGAL_ARGUMENT
 */
export function requireNumericField(
  operator: string,
  method: string,
  type: TypeInformation<unknown> | undefined,
  field: unknown,
): void {
  if (field !== undefined && (typeof field !== 'string' || field === '')) {
    throw illegal(
      operator,
      `${method} got ${String(field)} as field`,
      'give the name of a numeric field',
    );
  }
  if (type === undefined) return;
  const structure = structureOf(type);
  if (field === undefined) {
    if (NUMERIC.has(structure.kind)) return;
    const remedy =
      structure.kind === 'row'
        ? `name a numeric field of ${typeToString(type)}`
        : 'map to numbers first';
    throw illegal(operator, `${method}() got no field, but its records are no numbers`, remedy);
  }
  const found = fieldType(operator, method, type, field);
  if (found === undefined || NUMERIC.has(structureOf(found).kind)) return;
  const what = `${method}('${field}') needs a number, but the field is ${typeToString(found)}`;
  throw illegal(operator, what, 'choose a numeric field, or map it to a number first');
}

/**
 * Checks the fields of `keyBy` against the declared type, if there is one.
 *
 * @throws KEY_INVALID for a field that cannot be a key, ILLEGAL_ARGUMENT for one that does not
 * exist
 */
export function requireKeyFields(
  operator: string,
  type: TypeInformation<unknown> | undefined,
  fields: readonly string[],
): void {
  for (const field of fields) {
    if (typeof field !== 'string' || field === '') {
      throw illegal(operator, `keyBy got ${String(field)}`, 'give a function, or names of fields');
    }
    const found = type === undefined ? undefined : fieldType(operator, 'keyBy', type, field);
    if (found === undefined || !NO_KEY.has(structureOf(found).kind)) continue;
    throw new MillraceError(
      'KEY_INVALID',
      `keyBy('${field}') behind operator '${operator}': ${typeToString(found)} cannot be a key; ` +
        'choose a field of numbers, strings or booleans',
    );
  }
}

/** The declared type of a field; undefined if the record's type is generic. */
function fieldType(
  operator: string,
  method: string,
  type: TypeInformation<unknown>,
  field: string,
): TypeInformation<unknown> | undefined {
  const structure = structureOf(type);
  if (structure.kind === 'generic') return undefined;
  const fields = structure.kind === 'row' ? structure.fields : [];
  const found = fields.find((each) => each.name === field);
  if (found !== undefined) return found.type;
  const names = fields.map((each) => each.name).join(', ');
  throw illegal(
    operator,
    `${method}('${field}'): its records are ${typeToString(type)} and have no such field`,
    names === '' ? 'give a function, or map to a row first' : `the fields are ${names}`,
  );
}

function illegal(operator: string, what: string, remedy: string): MillraceError {
  return new MillraceError('ILLEGAL_ARGUMENT', `operator '${operator}': ${what}; ${remedy}`);
}
