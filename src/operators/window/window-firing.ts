/**
 * @dataplane From the contents of a window to results: a generated loop per operator, so that the
 * user's functions inline.
 *
 * Invariants:
 * 1. Results and side outputs have the window's `maxTimestamp`.
 * 2. What a window function sees does not change any more, also if the window is kept for late
 *    records.
 */
import type { WindowContext } from '../../functions/functions.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { KeyedStateStore } from '../../functions/state.ts';
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import { timeWindow } from '../../functions/windowing/time-window.ts';
import type { WindowSpec } from '../../graph/operator-spec.ts';
import type { KeyedTable } from '../../state/table/keyed-table.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';
import type { StageContext } from '../chain-stage.ts';
import { SideOutputs } from '../side-outputs.ts';
import { TimestampedCollector } from '../timestamped-collector.ts';
import { CurrentWindowKey } from './generic/current-key.ts';
import { WindowStates } from './generic/window-states.ts';

/** Emits the results of the entries `entries[0..count)` of a window's table. */
export type FireEntries = (
  table: KeyedTable,
  entries: Int32Array,
  count: number,
  window: TimeWindow,
) => void;

/** Generates the loop that fires. */
export function generateFiring(spec: WindowSpec, context: FiringContext): FireEntries {
  const { windowFunction, contents } = spec;
  const aggregate = contents.kind === 'aggregate' ? contents.function : undefined;
  const isKept = spec.allowedLatenessMs > 0;
  const emission =
    windowFunction === undefined
      ? `collector.emit(${resultText(contents.kind)}, window.maxTimestamp);`
      : `context.enter(table, entry); windowFunction.process(table.keyAt(entry), context, ${elementsText(contents.kind, isKept)}, collector);`;
  const code = `'use strict';
    return function fire(table, entries, count, window) {
      const store = table.values;
      context.window = window;
      collector.timestamp = window.maxTimestamp;
      for (let i = 0; i < count; i++) {
        const entry = entries[i];
        ${emission}
      }
    };`;
  const make = new Function('windowFunction', 'aggregate', 'context', 'collector', code) as (
    ...constants: unknown[]
  ) => FireEntries;
  return make(windowFunction, aggregate, context, context.collector);
}

function resultText(kind: WindowSpec['contents']['kind']): string {
  return kind === 'aggregate' ? 'aggregate.getResult(store.read(entry))' : 'store.read(entry)';
}

function elementsText(kind: WindowSpec['contents']['kind'], isKept: boolean): string {
  if (kind !== 'elements') return `[${resultText(kind)}]`;
  return isKept ? 'store.read(entry).slice()' : 'store.read(entry)';
}

/** One per stage: what it says is about the window that fires. */
export class FiringContext implements WindowContext<TimeWindow> {
  window: TimeWindow = timeWindow(0, 1);
  watermark: number = NO_TIMESTAMP;
  readonly collector: TimestampedCollector;
  readonly #context: StageContext;
  readonly #sideOutputs: SideOutputs;
  readonly #key = new CurrentWindowKey();
  readonly #states: WindowStates;
  #table: KeyedTable | undefined;
  #entry = 0;

  constructor(context: StageContext) {
    this.collector = new TimestampedCollector(context.emit);
    this.#context = context;
    this.#sideOutputs = new SideOutputs(context);
    this.#states = new WindowStates(context, this.#key);
  }

  currentWatermark(): number {
    return this.watermark;
  }

  currentProcessingTime(): number {
    return this.#context.currentProcessingTime();
  }

  /** Before each key. */
  enter(table: KeyedTable, entry: number): void {
    this.#table = table;
    this.#entry = entry;
    if (this.#states.isUsed) this.#setKey();
  }

  windowState(): KeyedStateStore {
    this.#setKey();
    return this.#states.of(this.window.start);
  }

  globalState(): KeyedStateStore {
    this.#setKey();
    return this.#states.global;
  }

  #setKey(): void {
    const table = this.#table;
    if (table === undefined) return;
    this.#key.setCurrentKey(table.keyAt(this.#entry), table.hashAt(this.#entry));
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#sideOutputs.emit(tag as OutputTag<never>, value, this.window.maxTimestamp);
  }
}
