/**
 * How the rows of one state become bytes and back. What is encoded lies in `writer` until the next
 * call.
 */
import type { ByteWriter } from '../types/row-codec.ts';

/** What a row reads as that never had a value. */
export const NO_VALUE: unique symbol = Symbol('no value');

/** See the file's head. */
export interface RowEncoder {
  readonly writer: ByteWriter;
  /** Where in `writer` the key of the last encoded row ends. */
  readonly keyLength: number;
  /** How many schemas keys have been written with. */
  readonly keySchemas: number;
  encodeKey(key: unknown): void;
  /** Encodes a key as an earlier one was; false if it does not fit. */
  encodeKeyAs(key: unknown, schema: number): boolean;
  /** The key, then the value; none for {@link NO_VALUE}. */
  encodeRow(key: unknown, value: unknown): void;
  decodeKey(bytes: Uint8Array, from?: number, to?: number): unknown;
  decodeValue(bytes: Uint8Array, from?: number, to?: number): unknown;
}
