/**
 * A text that is equal for equal values, functions and instances of user classes included, to
 * compare what two threads built from one module.
 *
 * Functions are compared by their source; the variables they close over cannot be seen. Collections
 * are cut after {@link ELEMENTS_MAX} elements, nesting after {@link DEPTH_MAX} levels and the whole
 * after {@link OBJECTS_MAX} objects: this compares programs, it does not store data.
 */
import { digest } from '../base/digest.ts';

/** How many elements of an array, Map or Set count. */
export const ELEMENTS_MAX = 64;
/** How many levels of nesting count. */
export const DEPTH_MAX = 8;
/** How many objects count in all. */
export const OBJECTS_MAX = 10_000;

/** The text of a value. */
export function valueText(value: unknown): string {
  return new ValueWriter().textOf(value, []);
}

class ValueWriter {
  #objectsLeft = OBJECTS_MAX;

  textOf(value: unknown, path: readonly object[]): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'function':
        return `${value.toString()}${this.#fieldsText(value, path)}`;
      case 'bigint':
        return `${value}n`;
      case 'object':
        return value === null ? 'null' : this.#objectText(value, path);
      case 'number':
        return Object.is(value, -0) ? '-0' : String(value);
      case 'undefined':
      case 'boolean':
      case 'symbol':
        return String(value);
    }
  }

  #objectText(value: object, path: readonly object[]): string {
    if (path.includes(value)) return `↑${path.length - path.indexOf(value)}`;
    if (path.length >= DEPTH_MAX || this.#objectsLeft === 0) return '…';
    this.#objectsLeft--;
    const inside = [...path, value];
    if (Array.isArray(value)) return `[${this.#listText(value, value.length, inside)}]`;
    if (value instanceof Map) return `Map{${this.#listText(value, value.size, inside)}}`;
    if (value instanceof Set) return `Set{${this.#listText(value, value.size, inside)}}`;
    if (value instanceof Date) return `Date(${value.getTime()})`;
    if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength})`;
    return `${classText(value)}${this.#fieldsText(value, path)}`;
  }

  #listText(elements: Iterable<unknown>, size: number, path: readonly object[]): string {
    const texts: string[] = [];
    for (const element of elements) {
      if (texts.length === ELEMENTS_MAX) return `${texts.join(',')},…${size}`;
      texts.push(this.textOf(element, path));
    }
    return texts.join(',');
  }

  /** The enumerable fields, in the order of their names: two threads may fill them in any order. */
  #fieldsText(value: object, path: readonly object[]): string {
    const names = Object.keys(value).sort();
    if (names.length === 0) return typeof value === 'function' ? '' : '{}';
    const record = value as Readonly<Record<string, unknown>>;
    const fields = names.map((name) => `${name}:${this.textOf(record[name], [...path, value])}`);
    return `{${fields.join(',')}}`;
  }
}

/** Class names with a digest of the sources, from the value's class up. */
function classText(value: object): string {
  const names: string[] = [];
  let prototype: unknown = Object.getPrototypeOf(value);
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    if (typeof maker === 'function')
      names.push(`${maker.name}#${digest(maker.toString()).slice(0, 8)}`);
    prototype = Object.getPrototypeOf(prototype);
  }
  return names.join('<');
}
