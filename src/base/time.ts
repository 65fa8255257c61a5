/**
 * Durations: plain milliseconds, made by unit functions and read from text the way Flink's
 * configuration reads them.
 *
 * Invariants:
 * 1. A duration is a number of milliseconds; its name ends in `Ms`.
 * 2. `parseDuration` accepts what Flink accepts (`5 s`, `100ms`, `1 h`, a bare number =
 *    milliseconds), down to milliseconds.
 */
import { MillraceError } from './errors.ts';

/** Milliseconds of one second. */
export const SECOND_MS = 1000;
/** Milliseconds of one minute. */
export const MINUTE_MS: number = 60 * SECOND_MS;
/** Milliseconds of one hour. */
export const HOUR_MS: number = 60 * MINUTE_MS;
/** Milliseconds of one day of 24 hours. */
export const DAY_MS: number = 24 * HOUR_MS;

const UNIT_NAMES: readonly (readonly [ms: number, names: readonly string[]])[] = [
  [DAY_MS, ['d', 'day', 'days']],
  [HOUR_MS, ['h', 'hour', 'hours']],
  [MINUTE_MS, ['min', 'm', 'minute', 'minutes']],
  [SECOND_MS, ['s', 'sec', 'secs', 'second', 'seconds']],
  [1, ['ms', 'milli', 'millis', 'millisecond', 'milliseconds']],
];

const UNIT_MS: ReadonlyMap<string, number> = new Map(
  UNIT_NAMES.flatMap(([ms, names]) => names.map((name) => [name, ms] as const)),
);

/** `count` milliseconds, for symmetry. */
export function milliseconds(count: number): number {
  return count;
}

/** `count` seconds in milliseconds. */
export function seconds(count: number): number {
  return count * SECOND_MS;
}

/** `count` minutes in milliseconds. */
export function minutes(count: number): number {
  return count * MINUTE_MS;
}

/** `count` hours in milliseconds. */
export function hours(count: number): number {
  return count * HOUR_MS;
}

/** `count` days of 24 hours in milliseconds. */
export function days(count: number): number {
  return count * DAY_MS;
}

/**
 * Reads a duration such as `5 s`, `100ms`, `1 h` or `250` (milliseconds) and returns milliseconds.
 *
 * @throws MillraceError `CONFIG_INVALID` if the text is not a whole number and a known unit
 */
export function parseDuration(text: string): number {
  const match = /^(\d+)\s*([a-z]*)$/.exec(text.trim().toLowerCase());
  const [, digits, unit] = match ?? [];
  const unitMs = unit === '' ? 1 : UNIT_MS.get(unit ?? '?');
  const durationMs = Number(digits) * (unitMs ?? Number.NaN);
  if (!Number.isSafeInteger(durationMs)) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `'${text}' is not a duration; write a whole number and one of d, h, min, s, ms, such as '5 s'`,
      { details: { value: text } },
    );
  }
  return durationMs;
}

/** A duration for people: `350 ms`, `12.35 s`, `2 min 5 s`, `3 d 4 h`; at most two units. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (Math.round(durationMs) < SECOND_MS)
    return `${roundTo(durationMs, durationMs < 10 ? 2 : 0)} ms`;
  if (roundTo(durationMs / SECOND_MS, 2) < 60) return `${roundTo(durationMs / SECOND_MS, 2)} s`;
  const wholeMs = Math.round(durationMs / SECOND_MS) * SECOND_MS;
  if (wholeMs < HOUR_MS) return twoUnits(wholeMs, MINUTE_MS, 'min', SECOND_MS, 's');
  if (wholeMs < DAY_MS) return twoUnits(wholeMs, HOUR_MS, 'h', MINUTE_MS, 'min');
  return twoUnits(wholeMs, DAY_MS, 'd', HOUR_MS, 'h');
}

function twoUnits(ms: number, bigMs: number, big: string, smallMs: number, small: string): string {
  const bigCount = Math.floor(ms / bigMs);
  const smallCount = Math.floor((ms % bigMs) / smallMs);
  return smallCount === 0 ? `${bigCount} ${big}` : `${bigCount} ${big} ${smallCount} ${small}`;
}

function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
