/**
 * The window operator in its slow, obvious form, after Flink's WindowOperator: the oracle of the
 * tests.
 */
import { windowStart } from '../../functions/windowing/time-window.ts';
import type { AlignedWindows } from '../../functions/windowing/aligned-windows.ts';

/** A keyed record with its timestamp. */
export interface NaiveRow {
  readonly key: string;
  readonly n: number;
  readonly id: number;
  readonly timestamp: number;
}

/** A firing of one key. */
export interface NaiveFiring {
  readonly key: string;
  readonly start: number;
  readonly watermark: number;
  readonly elements: readonly NaiveRow[];
}

/** See the file's head. */
export class NaiveWindow {
  readonly firings: NaiveFiring[] = [];
  readonly late: NaiveRow[] = [];
  readonly #assigner: AlignedWindows;
  readonly #latenessMs: number;
  readonly #state = new Map<number, Map<string, NaiveRow[]>>();
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(assigner: AlignedWindows, latenessMs: number) {
    this.#assigner = assigner;
    this.#latenessMs = latenessMs;
  }

  row(row: NaiveRow): void {
    const { sizeMs, slideMs, offsetMs } = this.#assigner;
    let isSkipped = true;
    let start = windowStart(row.timestamp, offsetMs, slideMs);
    for (; start > row.timestamp - sizeMs; start -= slideMs) {
      const maxTimestamp = start + sizeMs - 1;
      if (maxTimestamp + this.#latenessMs <= this.#watermark) continue;
      isSkipped = false;
      this.#add(start, row);
      if (maxTimestamp <= this.#watermark) this.#fire(start, row.key);
    }
    if (isSkipped && row.timestamp + this.#latenessMs <= this.#watermark) this.late.push(row);
  }

  watermark(watermark: number): void {
    const before = this.#watermark;
    if (watermark <= before) return;
    this.#watermark = watermark;
    for (const start of [...this.#state.keys()].sort((a, b) => a - b)) {
      const maxTimestamp = start + this.#assigner.sizeMs - 1;
      const isDue = maxTimestamp > before && maxTimestamp <= watermark;
      const keys = this.#state.get(start) ?? new Map<string, NaiveRow[]>();
      if (isDue) for (const key of keys.keys()) this.#fire(start, key);
      if (maxTimestamp + this.#latenessMs <= watermark) this.#state.delete(start);
    }
  }

  #add(start: number, row: NaiveRow): void {
    const keys = this.#state.get(start) ?? new Map<string, NaiveRow[]>();
    this.#state.set(start, keys);
    keys.set(row.key, [...(keys.get(row.key) ?? []), row]);
  }

  #fire(start: number, key: string): void {
    const elements = this.#state.get(start)?.get(key) ?? [];
    this.firings.push({ key, start, watermark: this.#watermark, elements });
  }
}
