/**
 * The windows of an operator that hold state, in order of time, each with its table of keys.
 *
 * Invariants:
 * 1. The starts ascend; the first `firedCount` windows have fired and are kept for late records
 *    only.
 * 2. Tables of dropped windows are used again: they know their columns.
 */
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import { timeWindow } from '../../functions/windowing/time-window.ts';
import { KeyedTable } from '../../state/table/keyed-table.ts';
import type { KeyKind } from '../../state/table/key-column.ts';
import type { ValueLayout } from '../../state/table/value-layout.ts';

/** A window that holds state. */
export interface OpenWindow {
  readonly window: TimeWindow;
  readonly table: KeyedTable;
  /** The table's entries before this one have fired, in a firing that is under way. */
  cursor: number;
}

const SPARE_TABLES_MAX = 32;

/** See the file's head. */
export class OpenWindows {
  /** How many windows have fired. */
  firedCount = 0;
  readonly #sizeMs: number;
  readonly #byStart = new Map<number, OpenWindow>();
  readonly #starts: number[] = [];
  readonly #spare: KeyedTable[] = [];
  #layout: ValueLayout | undefined;
  #keyKind: KeyKind | undefined;

  constructor(sizeMs: number, layout: ValueLayout | undefined) {
    this.#sizeMs = sizeMs;
    this.#layout = layout;
  }

  /** All windows, in order of time. */
  *all(): Generator<OpenWindow> {
    for (const start of this.#starts) yield this.#byStart.get(start) as OpenWindow;
  }

  /** The window that begins at `start`, if it holds state. */
  get(start: number): OpenWindow | undefined {
    return this.#byStart.get(start);
  }

  /** Opens the window that begins at `start`; `hasFired` if its time has passed already. */
  open(start: number, hasFired: boolean): OpenWindow {
    const window = timeWindow(start, start + this.#sizeMs);
    const opened: OpenWindow = { window, table: this.#takeTable(), cursor: 0 };
    this.#byStart.set(start, opened);
    this.#starts.splice(this.#positionOf(start), 0, start);
    if (hasFired) this.firedCount++;
    return opened;
  }

  /** The earliest window that has not fired. */
  firstUnfired(): OpenWindow | undefined {
    return this.#at(this.firedCount);
  }

  /** The earliest window. */
  first(): OpenWindow | undefined {
    return this.#at(0);
  }

  /** Drops the earliest window, which has fired. */
  dropFirst(): void {
    const start = this.#starts.shift();
    const dropped = start === undefined ? undefined : this.#byStart.get(start);
    if (dropped === undefined) return;
    this.#byStart.delete(dropped.window.start);
    this.firedCount--;
    this.#giveTable(dropped.table);
  }

  #at(index: number): OpenWindow | undefined {
    const start = this.#starts[index];
    return start === undefined ? undefined : this.#byStart.get(start);
  }

  /** Where `start` belongs. Windows mostly open in order, so the search begins at the end. */
  #positionOf(start: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    if (high === 0 || (starts[high - 1] as number) < start) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #takeTable(): KeyedTable {
    return this.#spare.pop() ?? new KeyedTable({ value: this.#layout, keyKind: this.#keyKind });
  }

  #giveTable(table: KeyedTable): void {
    this.#layout ??= table.values?.layout;
    this.#keyKind ??= table.keyKind;
    table.clear();
    if (this.#spare.length < SPARE_TABLES_MAX) this.#spare.push(table);
  }
}
