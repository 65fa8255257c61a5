/**
 * `assignTimestampsAndWatermarks`: new timestamps and watermarks; upstream watermarks end here, but
 * for the last.
 *
 * Invariants:
 * 1. A watermark that a record causes follows the record.
 * 2. With `on-event` a job that goes on from a checkpoint emits what one without a break would: the
 *    same watermarks between the same records.
 */
import type { TimestampsAndWatermarksSpec } from '../../graph/operator-spec.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';
import type {
  ChainStage,
  LoopBuilder,
  RowNames,
  StageContext,
  StageSnapshot,
} from '../chain-stage.ts';
import { WatermarkGeneratorDriver, type WatermarkState } from './watermark-generator-driver.ts';

const SNAPSHOT_VERSION = 1;

/** The stage of `assignTimestampsAndWatermarks`. */
export function timestampsAndWatermarksStage(spec: TimestampsAndWatermarksSpec): ChainStage {
  let driver: WatermarkGeneratorDriver;
  let isRestored = false;
  return {
    kind: 'timestamps-and-watermarks',
    inputCount: 1,
    keyed: false,
    isOneToOne: true,
    ownsWatermarks: true,
    open: (context: StageContext) => {
      driver = new WatermarkGeneratorDriver(spec.strategy, context);
      isRestored = context.isRestored;
      driver.open();
    },
    onRow: (loop, row) => {
      if (isRestored) writeRestore(loop, driver);
      writeRow(loop, row, driver);
    },
    onProcessingTime: (nowMs) => {
      driver.onProcessingTime(nowMs);
      return true;
    },
    snapshot: () => ({ version: SNAPSHOT_VERSION, data: driver.state }),
    restore: (snapshots) => driver.restore(leastOf(snapshots)),
  };
}

/** Before a row: only in jobs that were restored. */
function writeRestore(loop: LoopBuilder, driver: WatermarkGeneratorDriver): void {
  const restored = loop.constant(driver, 'driver');
  loop.line(`if (${restored}.isRestoring) ${restored}.emitRestored();`);
}

function writeRow(loop: LoopBuilder, row: RowNames, driver: WatermarkGeneratorDriver): void {
  const timestamp = loop.local(loop.call(driver.assign, row.value, row.timestamp), 'timestamp');
  loop.emit({ value: row.value, timestamp });
  loop.line(`${loop.call(driver.observe, row.value, timestamp)};`);
}

/**
 * The smallest: after a change of parallelism the records of any of the old subtasks may come here.
 */
function leastOf(snapshots: readonly StageSnapshot[]): WatermarkState {
  // Safe: this operator has written them.
  const states = snapshots.map(({ data }) => data as WatermarkState);
  if (states.length === 0) return { maxTimestamp: NO_TIMESTAMP, watermark: NO_TIMESTAMP };
  return {
    maxTimestamp: Math.min(...states.map(({ maxTimestamp }) => maxTimestamp)),
    watermark: Math.min(...states.map(({ watermark }) => watermark)),
  };
}
