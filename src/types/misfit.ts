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

/** A misfit of a field's value, seen from the object that has the field. */
export function inField(name: string, misfit: Misfit): Misfit {
  return inside(IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`, misfit);
}

/** A misfit of an element, seen from its array, set or map. */
export function inElement(index: number, misfit: Misfit): Misfit {
  return inside(`[${index}]`, misfit);
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

function inside(segment: string, misfit: Misfit): Misfit {
  return { ...misfit, path: `$${segment}${misfit.path.slice(1)}` };
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const maker: unknown = (value as { readonly constructor?: unknown }).constructor;
  if (maker === Object || typeof maker !== 'function')
    return `an object with fields ${fieldNames(value)}`;
  return `an instance of ${maker.name === '' ? 'a class without a name' : maker.name}`;
}

function fieldNames(value: object): string {
  const names = Object.keys(value).join(', ');
  return names.length > TEXT_MAX ? `${names.slice(0, TEXT_MAX)}…` : names || '(none)';
}
