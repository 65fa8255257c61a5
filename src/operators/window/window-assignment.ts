/**
 * @dataplane Which windows a timestamp falls into, and the rows of a batch by window.
 *
 * The windows of a timestamp are `lastStart`, `lastStart − slide`, … as long as they hold it; a
 * tumbling window is a sliding one whose slide is its size. If the slide is larger than the size, a
 * timestamp may have no window.
 */
import { windowStart } from '../../functions/windowing/time-window.ts';
import type { AlignedWindows } from '../../functions/windowing/aligned-windows.ts';

/** The start of the latest window that a timestamp can fall into. */
export function lastWindowStart(timestamp: number, assigner: AlignedWindows): number {
  const { offsetMs, slideMs } = assigner;
  const start = Math.floor((timestamp - offsetMs) / slideMs) * slideMs + offsetMs;
  // Hot: 8 against 15 ns for the remainder of doubles. Far from the epoch the quotient may be rounded
  // up to the next window: then the remainder decides.
  return start <= timestamp && timestamp - start < slideMs
    ? start
    : windowStart(timestamp, offsetMs, slideMs);
}

/** How many windows hold a timestamp. */
export function windowCount(
  timestamp: number,
  lastStart: number,
  assigner: AlignedWindows,
): number {
  const remainingMs = lastStart + assigner.sizeMs - timestamp;
  return remainingMs <= 0 ? 0 : Math.ceil(remainingMs / assigner.slideMs);
}

/** The rows of one window in a batch, in input order. */
export interface RowGroup {
  start: number;
  rows: Int32Array;
  count: number;
}

const ROWS_MIN = 64;
/** Groups that are kept from batch to batch. */
const KEPT_GROUPS_MAX = 64;

/** Rows by window. One per stage, reset for each batch. */
export class RowGroups {
  /** Those up to {@link count} are in use. */
  readonly groups: RowGroup[] = [];
  count = 0;
  readonly #byStart = new Map<number, RowGroup>();
  #last: RowGroup | undefined;

  /** Forgets all rows. */
  reset(): void {
    this.count = 0;
    this.#last = undefined;
    this.#byStart.clear();
    if (this.groups.length > KEPT_GROUPS_MAX) this.groups.length = KEPT_GROUPS_MAX;
  }

  /** Adds a row to the group of the window that begins at `start`. */
  add(start: number, row: number): void {
    let group = this.#last;
    if (group === undefined || group.start !== start) {
      group = this.#byStart.get(start) ?? this.#open(start);
      this.#last = group;
    }
    if (group.count === group.rows.length) grow(group);
    group.rows[group.count++] = row;
  }

  #open(start: number): RowGroup {
    let group = this.groups[this.count];
    if (group === undefined) {
      group = { start, rows: new Int32Array(ROWS_MIN), count: 0 };
      this.groups.push(group);
    }
    group.start = start;
    group.count = 0;
    this.count++;
    this.#byStart.set(start, group);
    return group;
  }
}

function grow(group: RowGroup): void {
  const rows = new Int32Array(2 * group.rows.length);
  rows.set(group.rows);
  group.rows = rows;
}
