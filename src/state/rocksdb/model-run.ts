/**
 * The file format of the model store's runs: per column family its rows in order of their keys.
 *
 *      ┌──────────┬──────────┬──── … per family ────────────────────────────────────────────┐
 *      │ families │ name len │ name │ rows │ key len │ value len + 1, or 0 │ key │ value │ … │   lengths: u32, little-endian
 *      └──────────┴──────────┴──────────────────────────────────────────────────────────────┘
 */

/** Rows by the key's bytes as characters; `undefined` is a deletion. */
export type Rows = ReadonlyMap<string, Uint8Array | undefined>;

/** Rows as bytes. */
export function encodeRun(families: readonly (readonly [string, Rows])[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(families));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const u32 = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const text = (value: string): void => {
    for (let i = 0; i < value.length; i++) bytes[at++] = value.charCodeAt(i);
  };
  u32(families.length);
  for (const [name, rows] of families) {
    u32(name.length);
    text(name);
    u32(rows.size);
    for (const key of [...rows.keys()].toSorted((a, b) => (a < b ? -1 : 1))) {
      const value = rows.get(key);
      u32(key.length);
      u32(value === undefined ? 0 : value.length + 1);
      text(key);
      if (value !== undefined) bytes.set(value, at);
      at += value?.length ?? 0;
    }
  }
  return bytes;
}

/** The rows of {@link encodeRun}'s bytes. */
export function decodeRun(bytes: Uint8Array): readonly (readonly [string, Rows])[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const u32 = (): number => view.getUint32((at += 4) - 4, true);
  const text = (length: number): string => {
    let value = '';
    for (const end = at + length; at < end; at++) value += String.fromCharCode(bytes[at] as number);
    return value;
  };
  return Array.from({ length: u32() }, () => {
    const name = text(u32());
    const rows = new Map<string, Uint8Array | undefined>();
    for (let left = u32(); left > 0; left--) {
      const keyLength = u32();
      const valueLength = u32() - 1;
      const key = text(keyLength);
      rows.set(key, valueLength < 0 ? undefined : bytes.slice(at, at + valueLength));
      at += Math.max(0, valueLength);
    }
    return [name, rows] as const;
  });
}

function sizeOf(families: readonly (readonly [string, Rows])[]): number {
  let size = 4;
  for (const [name, rows] of families) {
    size += 8 + name.length;
    for (const [key, value] of rows) size += 8 + key.length + (value?.length ?? 0);
  }
  return size;
}
