/**
 * Timestamps as text: ISO 8601, `2001-01-17T15:35:00.000Z`.
 *
 * Invariant: a text without a zone is UTC, whatever the machine's zone is; a date that does not exist is
 * refused, not rolled over; digits beyond the millisecond are cut.
 */

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))?)?$/;

/** Epoch milliseconds of an ISO 8601 date or date and time; NaN if the text is none. */
export function parseTimestamp(text: string): number {
  const match = ISO.exec(text);
  if (match === null) return Number.NaN;
  const [, year, month, day, hour, minute, second, fraction] = match;
  const ms = Date.UTC(0, Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0));
  const date = new Date(ms);
  // Years below 100 mean 19xx to Date.UTC, so the year is set apart.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const exists = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!exists || Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) {
    return Number.NaN;
  }
  const fractionMs = Number((fraction ?? '').slice(0, 3).padEnd(3, '0'));
  return date.getTime() + Number(second ?? 0) * 1000 + fractionMs - zoneOffsetMs(match);
}

function zoneOffsetMs(match: RegExpExecArray): number {
  const [sign, hours, minutes] = [match[9], match[10], match[11]];
  if (sign === undefined) return 0;
  if (Number(hours) > 23 || Number(minutes) > 59) return Number.NaN;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -offsetMs : offsetMs;
}
