/**
 * How the rows of one state become bytes and back. What is encoded lies in `writer` until the next
 * call.
 */
import type { ByteWriter } from '../types/row-codec.ts';
import type { DirectEncoder } from './direct-encoder.ts';
import type { KeyedTable } from './table/keyed-table.ts';

/** What a row reads as that never had a value. */
export const NO_VALUE: unique symbol = Symbol('no value');

/** See the file's head. */
export interface RowEncoder {
  readonly writer: ByteWriter;
  /** Where in `writer` the key of the last encoded row ends. */
  keyLength: number;
  encodeKey(key: unknown): void;
  /** The key, then the value; none for {@link NO_VALUE}. */
  encodeRow(key: unknown, value: unknown): void;
  /** Changes when {@link directFor} may give another function. */
  readonly revision: number;
  /**
   * A function that encodes entries of a table without making their keys and values; undefined if
   * there is none.
   */
  directFor(table: KeyedTable): DirectEncoder | undefined;
  decodeKey(bytes: Uint8Array, from: number, to: number): unknown;
  /** The value; {@link NO_VALUE} for no bytes. */
  decodeValue(bytes: Uint8Array, from: number, to: number): unknown;
}

/** Reads the rows of a restored snapshot. */
export interface RowDecoder {
  decodeKey(bytes: Uint8Array, from: number, to: number): unknown;
  decodeValue(bytes: Uint8Array, from: number, to: number): unknown;
}
