/**
 * The optional package `hyparquet`, loaded when the first Parquet file is opened. It reads the
 * footer, and whole columns of the kinds that `paged-column.ts` does not read.
 */
import { MillraceError } from '../../base/errors.ts';

/** The package's functions. */
export type Hyparquet = typeof import('hyparquet');

/**
 * Loads the package.
 *
 * @throws MillraceError `PACKAGE_MISSING` if it is not installed
 */
export async function loadHyparquet(): Promise<Hyparquet> {
  try {
    return await import('hyparquet');
  } catch (cause) {
    const isMissing =
      cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw cause;
    throw new MillraceError(
      'PACKAGE_MISSING',
      "parquetFormat() needs the package 'hyparquet': npm install hyparquet",
      { cause },
    );
  }
}

/** Adds the file to what was thrown about damaged or unknown content. */
export function invalidParquet(path: string, cause: unknown): Error {
  if (cause instanceof MillraceError && cause.details?.['file'] === path) return cause;
  const code = cause instanceof MillraceError ? cause.code : 'FORMAT_INVALID';
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(
    code,
    `cannot read '${path}' as Parquet: ${reason}; it is damaged, or uses what this ` +
      'version cannot read',
    { cause, details: { file: path } },
  );
}
