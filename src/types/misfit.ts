/** Where and how a value does not fit a type, in words for error messages. */

/** The first place where a value does not fit a type. */
export interface Misfit {
  /** `$` is the value itself: `$.stops[2].code`. */
  readonly path: string;
  /** The type or property wanted there. */
  readonly expected: string;
  /** What is there, with its JavaScript type. */
  readonly found: string;
}

const TEXT_MAX = 60;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** The path of a field below `path`. */
export function fieldPath(path: string, name: string): string {
  return IDENTIFIER.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

/** The path of an element below `path`. */
export function elementPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** A value in words, cut to a line: `"JFK" (string)`, `an instance of Flight`, `a function`. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'string':
      return `${JSON.stringify(value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value)} (string)`;
    case 'bigint':
      return `${value.toString().slice(0, TEXT_MAX)}n (bigint)`;
    case 'number':
      return `${Object.is(value, -0) ? '-0' : value} (number)`;
    case 'boolean':
      return `${value} (boolean)`;
    case 'object':
      return value === null ? 'null' : describeObject(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const maker: unknown = (value as { readonly constructor?: unknown }).constructor;
  if (maker === Object || typeof maker !== 'function') return `an object with fields ${fieldNames(value)}`;
  return `an instance of ${maker.name === '' ? 'a class without a name' : maker.name}`;
}

function fieldNames(value: object): string {
  const names = Object.keys(value).join(', ');
  return names.length > TEXT_MAX ? `${names.slice(0, TEXT_MAX)}…` : names || '(none)';
}
