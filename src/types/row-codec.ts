/**
 * Row codecs: generated code that turns a value of a known type into bytes and back, one value at a
 * time. State, snapshots and stores are written with them; README.md, "Rows", has the layout.
 *
 * Invariants:
 * 1. A value fits exactly if `checkValue` finds no misfit; −0 of an int and a small bigint arrive
 *    canonical.
 * 2. `write` leaves nothing behind unless it returns true, also where a getter of the value throws.
 * 3. The bytes of equal values of one type are equal; nothing in them depends on the process.
 * 4. The bytes never change within {@link ROW_FORMAT_VERSION}.
 */
import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, putVarint } from './byte-writer.ts';
import { compile } from './codec-generation.ts';
import { putBigint, putGeneric, readBigint, readGeneric, readNothing } from './row-codec-parts.ts';
import { ReadText, WriteText } from './row-codec-text.ts';
import { typeToJson } from './type-json.ts';
import type { TypeInformation } from './type-information.ts';

export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';

/** The version of the layout; whoever keeps rows writes it beside them. */
export const ROW_FORMAT_VERSION = 1;

/** How many codecs are kept; beyond, all are forgotten and made anew when asked for. */
const CODECS_MAX = 1000;

/** Writes and reads the values of one type. */
export interface RowCodec {
  readonly type: TypeInformation<unknown>;
  /** Writes a value; false on one that does not fit, and the writer is then as it was. */
  write(writer: ByteWriter, value: unknown): boolean;
  /**
   * Reads a value, as a new object with the type's fields in order.
   *
   * @throws FORMAT_INVALID
   */
  read(reader: ByteReader): unknown;
}

/** The generated part of a codec. */
interface CodecFunctions {
  readonly write: (writer: ByteWriter, value: unknown) => boolean;
  readonly read: (reader: ByteReader) => unknown;
}

const codecs = new Map<string, RowCodec>();

/** The codec of a type; the same one for equal types. */
export function rowCodec(type: TypeInformation<unknown>): RowCodec {
  const name = JSON.stringify(typeToJson(type));
  let codec = codecs.get(name);
  if (codec === undefined) {
    if (codecs.size >= CODECS_MAX) codecs.clear();
    codec = Object.freeze({ type, ...generated(type) });
    codecs.set(name, codec);
  }
  return codec;
}

function generated(type: TypeInformation<unknown>): CodecFunctions {
  const constants: Record<string, unknown> = {
    putBigint,
    putGeneric,
    putVarint,
    readBigint,
    readGeneric,
    readNothing,
  };
  const put = new WriteText(constants).body(type);
  const body = `const put = (w, value) => {\n${put}\n};
return {
  write: (w, value) => {
    const start = w.length;
    try {
      if (put(w, value)) return true;
    } catch (error) {
      w.length = start;
      throw error;
    }
    w.length = start;
    return false;
  },
  read: (r) => {\n${new ReadText().body(type)}\n},
};`;
  return compile('row-codec', constants, body) as CodecFunctions;
}
