/** One column of a row group, read a part at a time. */
import { MillraceError } from '../../base/errors.ts';
import { BadValue, plainValue, type ValueConverter } from './parquet-values.ts';

/** Gives a column's values in order. */
export interface ColumnCursor {
  /**
   * Puts the next `count` values at the start of `target`; says whether a `BadValue` is among them.
   */
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
      const value = this.#convert(plainValue(this.#next()));
      if (value instanceof BadValue) hasBad = true;
      target[i] = value;
    }
    return hasBad;
  }

  #next(): unknown {
    for (;;) {
      const chunk = this.#chunks[this.#chunk];
      if (chunk === undefined) {
        throw new MillraceError('FORMAT_INVALID', 'a Parquet column has fewer values than rows');
      }
      if (this.#index < chunk.length) return chunk[this.#index++];
      this.#chunk++;
      this.#index = 0;
    }
  }
}
