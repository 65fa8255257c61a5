/** Numbers for people: `3,000,000`, `1.2 M`, `48.9 MB`, `3.1 s`. */

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A count with its digits in groups of three. */
export function countText(count: number): string {
  return GROUPED.format(count);
}

/** A rate with about three digits: `950`, `48.2 k`, `1.23 M`. */
export function rateText(perSecond: number): string {
  return scaledText(perSecond, ['', ' k', ' M', ' G']);
}

/** Bytes by powers of ten: `512 B`, `48.9 MB`. */
export function bytesText(bytes: number): string {
  return scaledText(bytes, [' B', ' kB', ' MB', ' GB', ' TB']);
}

function scaledText(value: number, units: readonly string[]): string {
  let scaled = value;
  let unit = 0;
  // 999.5 would be rounded to four digits.
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = unit === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return scaled.toFixed(digits) + (units[unit] ?? '');
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A duration: `85 ms`, `3.1 s`, `2 min 5 s`, `1 h 12 min`. */
export function durationText(durationMs: number): string {
  if (durationMs < SECOND_MS) return `${Math.round(durationMs)} ms`;
  if (durationMs < MINUTE_MS) return `${(durationMs / SECOND_MS).toFixed(1)} s`;
  const seconds = Math.round(durationMs / SECOND_MS);
  if (durationMs < HOUR_MS) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The largest epoch milliseconds that a Date can show. */
const DATE_MS_MAX = 8_640_000_000_000_000;

/** A watermark: none yet, a time to the second, or the end of all input. */
export function watermarkText(watermark: number): string {
  if (watermark === Number.NEGATIVE_INFINITY) return 'none';
  if (watermark >= DATE_MS_MAX) return 'end of input';
  if (watermark <= -DATE_MS_MAX) return String(watermark);
  return new Date(watermark).toISOString().replace(/\.\d+Z$/, 'Z');
}
