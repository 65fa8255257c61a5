/**
 * @dataplane Keyed windows: assigns rows to windows, folds them into the window's table, fires when
 * its time has come.
 *
 * Event time, as in Flink's WindowOperator with its EventTimeTrigger:
 * 1. A window fires when `maxTimestamp ≤ watermark`, in order of time; its state is kept until
 *    `maxTimestamp + allowedLateness ≤ watermark`.
 * 2. A record of a window that has fired but is still kept fires it again at once for its key:
 *    records in input order, the windows of a record from the latest to the earliest.
 * 3. A window is late if it is not kept any more. A record is late if all its windows are late and
 *    `timestamp + allowedLateness ≤ watermark`; it goes to the late side output if one is set and
 *    read, else it is counted.
 *
 * Processing time: records belong to the windows of the clock, read once per batch. A window fires
 * when the clock has passed `maxTimestamp` (Flink delays such timers by 1 ms for the same reason:
 * nothing can come to the window any more). Windows that are open at the end of the input do not
 * fire, as in Flink: their time has not come.
 *
 * Firing goes in slices of {@link SLICE_ROWS} entries.
 */
import { MillraceError } from '../../base/errors.ts';
import {
  type KeyedStateStore,
  type ListState,
  ListStateDescriptor,
} from '../../functions/state.ts';
import type { AlignedWindows } from '../../functions/windowing/aligned-windows.ts';
import type { WindowSpec } from '../../graph/operator-spec.ts';
import type { StateTable } from '../../state/keyed-state-backend.ts';
import { ALL_ROWS, KeyedBatch } from '../aggregate/keyed-batch.ts';
import type { KeyedFold } from '../aggregate/keyed-fold.ts';
import { BATCH_ROWS, NO_TIMESTAMP, SLICE_ROWS } from '../chain-stage.ts';
import type { ChainStage, Emit, RowBatch, StageContext, StageSnapshot } from '../chain-stage.ts';
import { userObject } from '../user-function.ts';
import { OpenWindows } from './open-windows.ts';
import type { OpenWindow } from './open-windows.ts';
import { lastWindowStart, RowGroups, windowCount } from './window-assignment.ts';
import { contentsFold } from './window-contents.ts';
import { FiringContext, generateFiring } from './window-firing.ts';
import type { FireEntries } from './window-firing.ts';
import { restoreWindows, snapshotWindows, WINDOW_SNAPSHOT_VERSION } from './window-snapshot.ts';
import type { WindowSnapshot } from './window-snapshot.ts';

/**
 * Pairs of row and window that are grouped at once: bounds the memory of windows with a short
 * slide.
 */
const PAIRS_MAX = 16_384;
/** How far each subtask has fired. */
const PROGRESS = new ListStateDescriptor<WindowSnapshot>('window-progress');

/** @controlplane Once: the stage of a keyed window. */
export function windowStage(spec: WindowSpec): ChainStage {
  const given = spec.windowFunction ?? {};
  const user = userObject(given);
  let operator: WindowOperator;
  const isEventTime = spec.assigner.time === 'event-time';
  return {
    kind: 'window',
    inputCount: 1,
    keyed: true,
    ...user.life,
    open: (context) => {
      operator = new WindowOperator(spec, context);
      // Without a life it cannot ask for state: then no key that fires need be made current.
      const hasLife = 'open' in given || 'initializeState' in given;
      user.open(context, hasLife ? operator.globalState : undefined);
    },
    onBatch: (batch) => operator.onBatch(batch),
    onWatermark: (watermark) => operator.onWatermark(watermark),
    onProcessingTime: (nowMs) => isEventTime || operator.onProcessingTime(nowMs),
    snapshot: (snapshotContext) => {
      user.life.snapshot?.(snapshotContext);
      return operator.snapshot();
    },
    restore: () => operator.restore(),
  };
}

class WindowOperator {
  readonly #context: StageContext;
  readonly #assigner: AlignedWindows;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;
  readonly #windows: OpenWindows;
  readonly #rows: KeyedBatch;
  readonly #fold: KeyedFold;
  readonly #fire: FireEntries;
  readonly #firing: FiringContext;
  readonly #progress: ListState<WindowSnapshot>;
  readonly #lateOutput: Emit | undefined;
  readonly #groups = new RowGroups();
  readonly #rowsPerPass: number;
  /** Rows that fire their window again, with its start; in input order. */
  readonly #refiring: { row: number; start: number }[] = [];
  readonly #entries = new Int32Array(SLICE_ROWS);
  readonly #oneRow = new Int32Array(1);
  /** The last watermark that was wholly handled. */
  #watermark: number = NO_TIMESTAMP;

  constructor(spec: WindowSpec, context: StageContext) {
    const { assigner, lateDataTag } = spec;
    this.#context = context;
    this.#assigner = assigner;
    this.#isEventTime = assigner.time === 'event-time';
    // Flink, too, knows no lateness without event time.
    this.#latenessMs = this.#isEventTime ? spec.allowedLatenessMs : 0;
    this.#rows = new KeyedBatch(context);
    this.#fold = contentsFold(spec.contents, context.operatorName);
    const { keyedState } = context;
    this.#windows = new OpenWindows({
      sizeMs: assigner.sizeMs,
      contents: keyedState.declare({
        name: 'window-contents',
        kind: spec.contents.kind === 'elements' ? 'list' : 'window',
        layout: this.#fold.layout,
        // Windows fire by a scan of what is in memory.
        resident: true,
      }),
      fired: keyedState.declare({ name: 'window-fired', kind: 'window', resident: true }),
    });
    this.#progress = context.operatorState.getUnionListState(PROGRESS);
    this.#firing = new FiringContext(context);
    this.#fire = generateFiring(spec, this.#firing);
    this.#lateOutput = lateDataTag && context.sideOutput(lateDataTag.id);
    const windowsPerRow = Math.ceil(assigner.sizeMs / assigner.slideMs);
    this.#rowsPerPass = Math.max(1, Math.min(BATCH_ROWS, Math.floor(PAIRS_MAX / windowsPerRow)));
  }

  /** State of the key that fires, for the function's `open`. */
  get globalState(): KeyedStateStore {
    return this.#firing.globalState();
  }

  onBatch(batch: RowBatch): void {
    if (batch.count === 0) return;
    const rows = this.#rows;
    rows.take(batch);
    if (!this.#isEventTime) {
      this.#foldAll(batch.count, this.#context.currentProcessingTime());
      this.#askForWakeUp();
      return;
    }
    // After a restore from the midst of a firing the rest of it comes first.
    while (this.#hasUnfiredBy(this.#watermark)) this.onWatermark(this.#watermark);
    if (this.#foldCommonWindows(batch)) return;
    for (let from = 0; from < batch.count; from += this.#rowsPerPass) {
      this.#routeRows(batch, from, Math.min(batch.count, from + this.#rowsPerPass));
    }
  }

  onWatermark(watermark: number): boolean {
    // After a restore the input may begin with older watermarks.
    const reached = Math.max(watermark, this.#firing.watermark);
    this.#firing.watermark = reached;
    if (!this.#isEventTime) return true;
    if (this.#fireUntil(reached) <= 0) return false;
    this.#dropUntil(reached);
    this.#watermark = reached;
    return true;
  }

  onProcessingTime(nowMs: number): boolean {
    const passed = nowMs - 1;
    if (this.#fireUntil(passed) <= 0) return false;
    this.#dropUntil(passed);
    this.#askForWakeUp();
    return true;
  }

  snapshot(): StageSnapshot {
    // The watermark in progress, if there is one: what has not fired of it fires after the restore.
    const { keyedState } = this.#context;
    this.#progress.update([snapshotWindows(this.#windows, this.#firing.watermark, keyedState)]);
    return { version: WINDOW_SNAPSHOT_VERSION, data: null };
  }

  /** @controlplane Once. */
  restore(): void {
    // Of all subtasks: any of them may have had the keys that are here now.
    const watermark = restoreWindows(this.#windows, [...this.#progress.get()]);
    this.#firing.watermark = watermark;
    if (!this.#isEventTime) this.#askForWakeUp();
    else this.#watermark = watermark;
  }

  /** Hot: most batches lie in the same windows with all their rows. False if this one does not. */
  #foldCommonWindows(batch: RowBatch): boolean {
    const { timestamps, count } = batch;
    let least = timestamps[0] as number;
    let greatest = least;
    for (let row = 0; row < count; row++) {
      const timestamp = timestamps[row] as number;
      // Also NaN.
      if (timestamp - timestamp !== 0) this.#refuseTimestamp();
      if (timestamp < least) least = timestamp;
      if (timestamp > greatest) greatest = timestamp;
    }
    const assigner = this.#assigner;
    const start = lastWindowStart(greatest, assigner);
    const windows = windowCount(greatest, start, assigner);
    const isCommon =
      least >= start && windows > 0 && windowCount(least, start, assigner) === windows;
    const earliest = start - (windows - 1) * assigner.slideMs;
    if (!isCommon || this.#hasPassed(earliest)) return false;
    this.#foldAll(count, greatest);
    return true;
  }

  /** All rows go to the windows of one timestamp, none of which has passed. */
  #foldAll(count: number, timestamp: number): void {
    const { sizeMs, slideMs } = this.#assigner;
    let start = lastWindowStart(timestamp, this.#assigner);
    for (; start > timestamp - sizeMs; start -= slideMs) {
      this.#foldInto(this.#windowAt(start, false), ALL_ROWS, count);
    }
  }

  #routeRows(batch: RowBatch, from: number, to: number): void {
    const groups = this.#groups;
    groups.reset();
    this.#refiring.length = 0;
    const { timestamps } = batch;
    for (let row = from; row < to; row++) this.#routeRow(row, timestamps[row] as number);
    for (let i = 0; i < groups.count; i++) {
      const group = groups.groups[i];
      if (group === undefined) break;
      this.#foldInto(this.#windowAt(group.start, false), group.rows, group.count);
    }
    const refiring = this.#refiring;
    for (let i = 0; i < refiring.length; i++) {
      const late = refiring[i];
      if (late !== undefined) this.#refire(late.row, late.start);
    }
  }

  #routeRow(row: number, timestamp: number): void {
    const { sizeMs, slideMs } = this.#assigner;
    const watermark = this.#watermark;
    let isSkipped = true;
    let start = lastWindowStart(timestamp, this.#assigner);
    for (; start > timestamp - sizeMs; start -= slideMs) {
      const maxTimestamp = start + sizeMs - 1;
      // The earlier windows are late, too.
      if (maxTimestamp + this.#latenessMs <= watermark) break;
      isSkipped = false;
      if (maxTimestamp <= watermark) this.#refiring.push({ row, start });
      else this.#groups.add(start, row);
    }
    if (isSkipped && timestamp + this.#latenessMs <= watermark) this.#emitLate(row, timestamp);
  }

  #emitLate(row: number, timestamp: number): void {
    const { counts } = this.#context;
    if (this.#lateOutput === undefined) {
      counts.numLateRecordsDropped++;
      return;
    }
    counts.numLateRecordsSideOutput++;
    this.#lateOutput(this.#rows.valueAt(row), timestamp);
  }

  #refire(row: number, start: number): void {
    const oneRow = this.#oneRow;
    oneRow[0] = row;
    const opened = this.#windowAt(start, true);
    this.#foldInto(opened, oneRow, 1);
    this.#fire(opened.state.table, this.#rows.entries, 1, opened.window);
  }

  #foldInto(opened: OpenWindow, chosen: Int32Array, count: number): void {
    const rows = this.#rows;
    const { keys, hashes, entries, isNew } = rows;
    const { state } = opened;
    rows.rows = chosen;
    rows.count = count;
    if (chosen === ALL_ROWS) state.findOrInsertBatch(keys, hashes, count, entries, isNew);
    else state.findOrInsertSelected(keys, hashes, chosen, count, entries, isNew);
    this.#fold.fold(state.table, rows);
    if (opened.fired !== undefined) this.#unfire(opened.fired, chosen, count);
  }

  /**
   * Keys that fired before a restore, in a subtask that was ahead: with new records they fire
   * again.
   */
  #unfire(fired: StateTable, chosen: Int32Array, count: number): void {
    const { keys, hashes } = this.#rows;
    for (let i = 0; i < count; i++) {
      const row = chosen[i] as number;
      fired.remove(keys[row], hashes[row] as number);
    }
  }

  #windowAt(start: number, hasFired: boolean): OpenWindow {
    return this.#windows.get(start) ?? this.#windows.open(start, hasFired);
  }

  #hasUnfiredBy(watermark: number): boolean {
    const first = this.#windows.firstUnfired();
    return first !== undefined && first.window.maxTimestamp <= watermark;
  }

  #hasPassed(start: number): boolean {
    return start + this.#assigner.sizeMs - 1 <= this.#watermark;
  }

  /**
   * Fires windows whose time has come by `time`; returns what is left of a slice, 0 or less if
   * there may be more.
   */
  #fireUntil(time: number): number {
    const windows = this.#windows;
    let budget = SLICE_ROWS;
    for (;;) {
      const opened = windows.firstUnfired();
      if (opened === undefined || opened.window.maxTimestamp > time) return Math.max(1, budget);
      if (budget <= 0) return 0;
      budget -= this.#fireSlice(opened, budget);
    }
  }

  /** Fires up to `limit` entries of a window; returns how many. */
  #fireSlice(opened: OpenWindow, limit: number): number {
    const { state } = opened;
    const cursor =
      opened.cursor < state.size ? state.scan(opened.cursor, limit, this.#entries) : -1;
    const scanned = opened.cursor < state.size ? state.scanned : 0;
    const count =
      opened.fired === undefined ? scanned : this.#leaveOutFired(state, opened.fired, scanned);
    this.#fire(state.table, this.#entries, count, opened.window);
    if (cursor >= 0) {
      opened.cursor = cursor;
      return scanned;
    }
    opened.cursor = 0;
    this.#windows.forgetFired(opened);
    this.#windows.firedCount++;
    // Without lateness nothing can come any more: its memory is for the next one.
    if (this.#latenessMs === 0) this.#windows.dropFirst();
    return scanned + 1;
  }

  /** Keeps those of the first `count` entries that have not fired; returns how many. */
  #leaveOutFired(state: StateTable, fired: StateTable, count: number): number {
    const entries = this.#entries;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const entry = entries[i] as number;
      if (fired.find(state.keyAt(entry), state.hashAt(entry)) < 0) entries[kept++] = entry;
    }
    return kept;
  }

  #dropUntil(time: number): void {
    const windows = this.#windows;
    for (;;) {
      const first = windows.first();
      if (first === undefined || first.window.maxTimestamp + this.#latenessMs > time) return;
      windows.dropFirst();
    }
  }

  #askForWakeUp(): void {
    const first = this.#windows.firstUnfired();
    if (first !== undefined) this.#context.wakeAt(first.window.end);
  }

  #refuseTimestamp(): never {
    const operator = this.#context.operatorName;
    throw new MillraceError(
      'TIMESTAMP_MISSING',
      `'${operator}' has event-time windows, but got a record without a timestamp; ` +
        `give records timestamps with assignTimestampsAndWatermarks and a strategy.withTimestampAssigner(…), ` +
        `or use processing-time windows`,
      { details: { operator } },
    );
  }
}
