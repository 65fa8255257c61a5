/**
 * Timestamps as text: ISO 8601, `2001-01-17T15:35:00.000Z`.
 *
 * Invariant: a text without a zone is UTC, whatever the machine's zone is; a date that does not
 * exist is refused, not rolled over; digits beyond the millisecond are cut.
 */

/** What may follow the 19 characters of date and time: a fraction, a zone. */
const REST = /^(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d\d):?(\d\d))?$/;
const DATE_LENGTH = 10;
const MINUTES_LENGTH = 16;
const SECONDS_LENGTH = 19;

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Epoch milliseconds of an ISO 8601 date, or date and time; NaN if the text is none. */
export function parseTimestamp(text: string): number {
  if (text.length < DATE_LENGTH) return Number.NaN;
  const dayMs = parseDate(text) * DAY_MS;
  if (text.length === DATE_LENGTH) return dayMs;
  const separator = text.charCodeAt(DATE_LENGTH);
  const isTime = (separator === T || separator === SPACE) && text.charCodeAt(13) === COLON;
  if (!isTime) return Number.NaN;
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  if (hour > 23 || minute > 59) return Number.NaN;
  const minuteMs = dayMs + hour * HOUR_MS + minute * MINUTE_MS;
  if (text.charCodeAt(MINUTES_LENGTH) !== COLON) {
    // Without seconds there may be a zone, but no fraction.
    const hasFraction = text.charCodeAt(MINUTES_LENGTH) === POINT;
    return hasFraction ? Number.NaN : minuteMs + restMs(text, MINUTES_LENGTH);
  }
  const second = digits(text, 17, 2);
  if (second > 59) return Number.NaN;
  return minuteMs + second * SECOND_MS + restMs(text, SECONDS_LENGTH);
}

const T = 0x54;
const Z = 0x5a;
const SPACE = 0x20;
const COLON = 0x3a;
const DASH = 0x2d;
const POINT = 0x2e;

/** Days since the epoch; NaN if there is no such date. */
function parseDate(text: string): number {
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  // Negated, so that NaN is refused too.
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month))) return Number.NaN;
  return epochDay(year, month, day);
}

/**
 * The proleptic Gregorian calendar, counted in years that begin in March so that leap days come
 * last.
 */
function epochDay(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const monthFromMarch = month <= 2 ? month + 9 : month - 3;
  const leapDays =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return marchYear * 365 + leapDays + dayOfYear - DAYS_TO_EPOCH;
}

/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_TO_EPOCH = 719_468;

function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Milliseconds of the fraction, less the zone's offset. */
function restMs(text: string, from: number): number {
  const length = text.length - from;
  if (length === 0 || (length === 1 && text.charCodeAt(from) === Z)) return 0;
  // The form that JavaScript writes, .000Z; the others are rarer.
  const isCommon =
    length === 5 && text.charCodeAt(from) === POINT && text.charCodeAt(from + 4) === Z;
  if (isCommon) return digits(text, from + 1, 3);
  const match = REST.exec(text.slice(from));
  if (match === null) return Number.NaN;
  const [, fraction = '', , sign, hours, minutes] = match;
  if (Number(hours ?? 0) > 23 || Number(minutes ?? 0) > 59) return Number.NaN;
  const offsetMs = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS;
  return Number(fraction.slice(0, 3).padEnd(3, '0')) - (sign === '-' ? -offsetMs : offsetMs);
}

/** The number that `count` decimal digits mean; NaN if one is none. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
