/**
 * `assignTimestampsAndWatermarks`: new timestamps and watermarks; upstream watermarks end here, but
 * for the last.
 * Invariant: a watermark that a record causes follows the record.
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
import { WatermarkGeneratorDriver } from './watermark-generator-driver.ts';

const SNAPSHOT_VERSION = 1;

/** Version 1 of the snapshot. */
interface TimestampsSnapshot {
  readonly maxTimestamp: number;
}

/** The stage of `assignTimestampsAndWatermarks`. */
export function timestampsAndWatermarksStage(spec: TimestampsAndWatermarksSpec): ChainStage {
  let driver: WatermarkGeneratorDriver;
  return {
    kind: 'timestamps-and-watermarks',
    inputCount: 1,
    keyed: false,
    isOneToOne: true,
    ownsWatermarks: true,
    open: (context: StageContext) => {
      driver = new WatermarkGeneratorDriver(spec.strategy, context);
      driver.open();
    },
    onRow: (loop, row) => writeRow(loop, row, driver),
    onProcessingTime: (nowMs) => {
      driver.onProcessingTime(nowMs);
      return true;
    },
    snapshot: () => ({
      version: SNAPSHOT_VERSION,
      data: { maxTimestamp: driver.maxTimestamp } satisfies TimestampsSnapshot,
    }),
    restore: (snapshots) => {
      driver.restore(restoredMaxTimestamp(snapshots));
    },
  };
}

function writeRow(loop: LoopBuilder, row: RowNames, driver: WatermarkGeneratorDriver): void {
  const timestamp = loop.local(loop.call(driver.assign, row.value, row.timestamp), 'timestamp');
  loop.emit({ value: row.value, timestamp });
  loop.line(`${loop.call(driver.observe, row.value, timestamp)};`);
}

/**
 * The smallest: after a change of parallelism the records of any of the old subtasks may come here.
 */
function restoredMaxTimestamp(snapshots: readonly StageSnapshot[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { data } of snapshots) {
    least = Math.min(least, (data as TimestampsSnapshot).maxTimestamp);
  }
  return least === Number.POSITIVE_INFINITY ? NO_TIMESTAMP : least;
}
