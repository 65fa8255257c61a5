/** What the random programs work on. */

/** A record; `x` changes its kind from record to record, so that captured types are widened. */
export interface Row {
  readonly id: number;
  readonly k: number;
  readonly v: number;
  readonly t: number;
  readonly x: unknown;
}

/** What a window gives. */
export function windowRow(k: number, v: number, start: number): Row {
  return { id: 0, k, v, t: start, x: null };
}
