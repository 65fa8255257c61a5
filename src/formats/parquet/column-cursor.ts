/** One column of a row group, read a part at a time. */
import { plainValue, type ValueConverter } from './parquet-values.ts';
import { BadValue } from './parquet-values.ts';

/** Gives a column's values in order. */
export interface ColumnCursor {
  /** Puts the next `count` values at the start of `target`; says whether a `BadValue` is among them. */
  read(target: unknown[], count: number): boolean;
}

/** A column that hyparquet has decoded whole. */
export class ArrayColumn implements ColumnCursor {
  readonly #chunks: readonly ArrayLike<unknown>[];
  readonly #convert: ValueConverter;
  #chunk = 0;
  #index = 0;

  constructor(chunks: readonly ArrayLike<unknown>[], convert: ValueConverter) {
    this.#chunks = chunks;
    this.#convert = convert;
  }

  read(target: unknown[], count: number): boolean {
    let hasBad = false;
    for (let i = 0; i < count; i++) {
      while (this.#index >= (this.#chunks[this.#chunk]?.length ?? Number.POSITIVE_INFINITY)) {
        this.#chunk++;
        this.#index = 0;
      }
      const chunk = this.#chunks[this.#chunk];
      const value = this.#convert(plainValue(chunk?.[this.#index++]));
      if (value instanceof BadValue) hasBad = true;
      target[i] = value;
    }
    return hasBad;
  }
}
