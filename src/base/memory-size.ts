/**
 * Sizes of memory as text, read the way Flink's configuration reads them: `512mb`, `4 g`, `1024`
 * (bytes).
 */
import { MillraceError } from './errors.ts';

const UNITS: readonly (readonly [bytes: number, names: readonly string[]])[] = [
  [1, ['', 'b', 'bytes']],
  [2 ** 10, ['k', 'kb', 'kib', 'kibibytes']],
  [2 ** 20, ['m', 'mb', 'mib', 'mebibytes']],
  [2 ** 30, ['g', 'gb', 'gib', 'gibibytes']],
  [2 ** 40, ['t', 'tb', 'tib', 'tebibytes']],
];

/**
 * Bytes of a size such as `4GB`; units are powers of 1024, as in Flink.
 *
 * @throws CONFIG_INVALID if the text is none
 */
export function parseMemorySize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = UNITS.find(([, names]) => names.includes((match?.[2] ?? '?').toLowerCase()));
  const bytes = Math.floor(Number(match?.[1]) * (unit?.[0] ?? Number.NaN));
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new MillraceError(
    'CONFIG_INVALID',
    `'${text}' is no size of memory: give a number above 0 with a unit, such as 512MB or 4GB`,
  );
}
