/**
 * The windows of an operator that hold state, in order of time, each with its table of keys: the
 * namespaces of one keyed state.
 *
 * Invariants:
 * 1. The starts ascend; the first `firedCount` windows have fired and are kept for late records
 *    only.
 * 2. A key that is in `fired` of a window that has not fired must not fire with it: a part of the
 *    window fired before a snapshot.
 */
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import { timeWindow } from '../../functions/windowing/time-window.ts';
import type { NamedState, StateTable } from '../../state/keyed-state-backend.ts';

/** A window that holds state. */
export interface OpenWindow {
  readonly window: TimeWindow;
  readonly state: StateTable;
  /** The table's entries before this one have fired, in a firing that is under way. */
  cursor: number;
  /** See invariant 2; mostly there is none. */
  fired: StateTable | undefined;
}

/** What {@link OpenWindows} are made of. */
export interface OpenWindowsParts {
  readonly sizeMs: number;
  readonly contents: NamedState;
  readonly fired: NamedState;
}

/** See the file's head. */
export class OpenWindows {
  /** How many windows have fired. */
  firedCount = 0;
  readonly #sizeMs: number;
  readonly #contents: NamedState;
  readonly #fired: NamedState;
  readonly #byStart = new Map<number, OpenWindow>();
  readonly #starts: number[] = [];

  constructor(parts: OpenWindowsParts) {
    this.#sizeMs = parts.sizeMs;
    this.#contents = parts.contents;
    this.#fired = parts.fired;
  }

  /** All windows, in order of time. */
  all(): readonly OpenWindow[] {
    return this.#starts.map((start) => this.#byStart.get(start) as OpenWindow);
  }

  /** The window that begins at `start`, if it holds state. */
  get(start: number): OpenWindow | undefined {
    return this.#byStart.get(start);
  }

  /** Opens the window that begins at `start`; `hasFired` if its time has passed already. */
  open(start: number, hasFired: boolean): OpenWindow {
    const opened: OpenWindow = {
      window: timeWindow(start, start + this.#sizeMs),
      state: this.#contents.tableOf(start),
      cursor: 0,
      fired: this.#fired.has(start) ? this.#fired.tableOf(start) : undefined,
    };
    this.#byStart.set(start, opened);
    this.#starts.splice(this.#positionOf(start), 0, start);
    if (hasFired) this.firedCount++;
    return opened;
  }

  /** Opens the windows that were restored; none of them as fired. */
  openRestored(): void {
    for (const start of this.#contents.namespaces()) this.open(start as number, false);
    for (const start of this.#fired.namespaces()) {
      if (!this.#contents.has(start)) this.#fired.dropNamespace(start);
    }
  }

  /** The keys of a window that must not fire with it. */
  firedOf(opened: OpenWindow): StateTable {
    opened.fired ??= this.#fired.tableOf(opened.window.start);
    return opened.fired;
  }

  /** The window has wholly fired, or its keys may all fire. */
  forgetFired(opened: OpenWindow): void {
    if (opened.fired === undefined) return;
    opened.fired = undefined;
    this.#fired.dropNamespace(opened.window.start);
  }

  /** The earliest window that has not fired. */
  firstUnfired(): OpenWindow | undefined {
    return this.#at(this.firedCount);
  }

  /** The start of the last window that has fired; −Infinity if none has. */
  get firedThrough(): number {
    return this.firedCount === 0
      ? Number.NEGATIVE_INFINITY
      : (this.#starts[this.firedCount - 1] ?? Number.NEGATIVE_INFINITY);
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
    this.forgetFired(dropped);
    this.#byStart.delete(dropped.window.start);
    this.firedCount--;
    this.#contents.dropNamespace(dropped.window.start);
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
}
