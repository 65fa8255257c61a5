/**
 * Whether an object has exactly the fields of a row type; what generated code asks when its quick
 * count does not settle it.
 *
 * Invariant: names that every object inherits (`__proto__`, `constructor`, …) count only as an
 * object's own.
 */
import { isPlainObject } from './serializable.ts';
import type { RowType } from './type-information.ts';

/** An object that may be a row. */
export type RowLike = Readonly<Record<string, unknown>>;

/** Whether every object has something under this name, so that only its own counts. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** The field names of a row type, for checks. */
export class RowShape {
  readonly #names: readonly string[];
  readonly #inherited: readonly boolean[];
  readonly #optional: readonly boolean[];
  readonly #all: ReadonlySet<string>;
  readonly #requiredCount: number;

  constructor(type: RowType) {
    this.#names = type.fields.map((field) => field.name);
    this.#inherited = this.#names.map(isInherited);
    this.#optional = type.fields.map((field) => field.type.kind === 'optional');
    this.#all = new Set(this.#names);
    this.#requiredCount = this.#optional.filter((isOptional) => !isOptional).length;
  }

  /**
   * Whether `value` is an object with no field that the type lacks and as many as it must have.
   * Where no field is required
   * anything would be a row, so it must be a plain object then.
   */
  isRow(value: unknown): value is RowLike {
    if (typeof value !== 'object' || value === null) return false;
    if (this.#requiredCount === 0 && !isPlainObject(value)) return false;
    let count = 0;
    for (const name in value) {
      if (!this.#all.has(name)) return false;
      count++;
    }
    return count >= this.#requiredCount;
  }

  /** The first field that the type lacks. */
  firstOther(row: object): string | undefined {
    for (const name in row) if (!this.#all.has(name)) return name;
    return undefined;
  }

  /** The value of the field at `index`; null for an absent or undefined optional one. */
  valueOf(row: RowLike, index: number): unknown {
    const name = this.#names[index] as string;
    const value =
      this.#inherited[index] === true && !Object.hasOwn(row, name) ? undefined : row[name];
    return value === undefined && this.#optional[index] === true ? null : value;
  }
}
