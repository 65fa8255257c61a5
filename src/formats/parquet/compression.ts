/** Decompression of Parquet pages: what Node has, and Snappy from hyparquet. */
import type { CompressionCodec, Compressors } from 'hyparquet';
import { MillraceError } from '../../base/errors.ts';
import type { Hyparquet } from './hyparquet.ts';

/** The largest page when decompressed; a larger one is taken for damage. */
export const PAGE_BYTES_MAX: number = 1024 * 1024 * 1024;

/** Decompresses one page to exactly `size` bytes. */
export type Decompress = (codec: CompressionCodec, bytes: Uint8Array, size: number) => Uint8Array;

/** Node's decompressors, in the form that hyparquet takes. */
export function zlibCompressors(): Compressors {
  // Loaded when first needed: reading other formats must not cost it.
  const zlib = process.getBuiltinModule('node:zlib');
  const limit = (size: number): { maxOutputLength: number } => ({ maxOutputLength: size + 1 });
  return {
    GZIP: (bytes, size) => zlib.gunzipSync(bytes, limit(size)),
    ZSTD: (bytes, size) => zlib.zstdDecompressSync(bytes, limit(size)),
    BROTLI: (bytes, size) => zlib.brotliDecompressSync(bytes, limit(size)),
  };
}

/** The decompression of pages by codec. */
export function pageDecompressor(hyparquet: Hyparquet): Decompress {
  const compressors = zlibCompressors();
  return (codec, bytes, size) => {
    if (size > PAGE_BYTES_MAX) throw damaged(`a page of ${size} bytes is over ${PAGE_BYTES_MAX}`);
    if (codec === 'UNCOMPRESSED') return bytes;
    if (size === 0) return new Uint8Array();
    const page = decompressed(hyparquet, compressors, codec)(bytes, size);
    if (page.length !== size) throw damaged(`a page has ${page.length} bytes, not ${size}`);
    return page;
  };
}

function decompressed(
  hyparquet: Hyparquet,
  compressors: Compressors,
  codec: CompressionCodec,
): (bytes: Uint8Array, size: number) => Uint8Array {
  if (codec === 'SNAPPY') {
    return (bytes, size) => {
      const page = new Uint8Array(size);
      hyparquet.snappyUncompress(bytes, page);
      return page;
    };
  }
  const decompress = compressors[codec];
  if (decompress !== undefined) return decompress;
  throw new MillraceError(
    'UNSUPPORTED',
    `Parquet's compression ${codec} is not supported: write the file with zstd, snappy or gzip`,
  );
}

function damaged(reason: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `damaged Parquet page: ${reason}`);
}
