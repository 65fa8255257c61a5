import test from 'ava';
import { hashKey } from '../../base/hash.ts';
import { TumblingEventTimeWindows } from '../../functions/windowing/aligned-windows.ts';
import type { WindowSpec } from '../../graph/operator-spec.ts';
import { keyGroupFor, subtaskFor } from '../../state/key-groups.ts';
import { SLICE_ROWS } from '../chain-stage.ts';
import { StageDriver } from '../testing/stage-driver.ts';
import type { DriverSnapshot } from '../testing/stage-driver.ts';
import { windowStage } from './window-operator.ts';

interface Row {
  readonly key: number;
  readonly n: number;
}

const MAX_PARALLELISM = 128;

function drivers(
  parallelism: number,
  allowedLatenessMs: number,
  restored?: readonly DriverSnapshot[],
): StageDriver[] {
  const spec: WindowSpec = {
    kind: 'window',
    assigner: TumblingEventTimeWindows.of(10),
    contents: { kind: 'reduce', reduce: { kind: 'sum', field: 'n' } },
    windowFunction: undefined,
    allowedLatenessMs,
    lateDataTag: undefined,
  };
  return Array.from({ length: parallelism }, (_, subtask) => {
    const options = { keySelector: (row: Row) => row.key, subtask, parallelism };
    return new StageDriver(windowStage(spec), options, restored);
  });
}

function push(all: readonly StageDriver[], keys: readonly number[], timestamp: number): void {
  for (const [subtask, driver] of all.entries()) {
    const own = keys.filter((key) => subtaskOf(key, all.length) === subtask);
    driver.push(own.map((key) => [{ key, n: 1 }, timestamp] as const));
  }
}

function subtaskOf(key: number, parallelism: number): number {
  const group = keyGroupFor(hashKey(key), MAX_PARALLELISM);
  return subtaskFor(group, MAX_PARALLELISM, parallelism);
}

/** Key, sum and time of everything that fired, sorted. */
function fired(...all: readonly (readonly StageDriver[])[]): string[] {
  const emitted = all.flat().flatMap(({ output }) => output);
  return emitted
    .map(({ value, timestamp }) => `${(value as Row).key}: ${(value as Row).n} at ${timestamp}`)
    .sort();
}

const KEYS = Array.from({ length: 3 * SLICE_ROWS }, (_, key) => key);
const once = (keys: readonly number[], timestamp: number, n = 1): string[] =>
  keys.map((key) => `${key}: ${n} at ${timestamp}`);

for (const parallelism of [1, 2, 3]) {
  for (const allowedLatenessMs of [0, 1000]) {
    const title = `2 → ${parallelism} subtasks, lateness ${allowedLatenessMs}`;
    test(`${title}: what one subtask has fired does not fire again, what it has not does`, (t) => {
      const before = drivers(2, allowedLatenessMs);
      push(before, KEYS, 5);
      push(before, KEYS, 15);
      // One subtask is through with the first window and in the midst of the second.
      before[0]?.advanceWatermark(9);
      before[0]?.stage.onWatermark?.(19);
      const after = drivers(
        parallelism,
        allowedLatenessMs,
        before.map((driver) => driver.snapshot()),
      );
      for (const driver of after) driver.advanceWatermark(100);
      t.deepEqual(fired(before, after), [...once(KEYS, 9), ...once(KEYS, 19)].sort());
    });
  }

  test(`2 → ${parallelism} subtasks: a key that fired fires again with its next record`, (t) => {
    const before = drivers(2, 1000);
    push(before, KEYS, 5);
    before[0]?.advanceWatermark(9);
    const ahead = KEYS.filter((key) => subtaskOf(key, 2) === 0);
    const after = drivers(
      parallelism,
      1000,
      before.map((driver) => driver.snapshot()),
    );
    const again = ahead.slice(0, 3);
    push(after, again, 6);
    t.deepEqual(fired(after), [], 'the least watermark has not reached the window');
    for (const driver of after) driver.advanceWatermark(9);
    t.deepEqual(
      fired(after),
      [
        ...once(again, 9, 2),
        ...once(
          KEYS.filter((key) => !ahead.includes(key)),
          9,
        ),
      ].sort(),
    );
    for (const driver of after) driver.advanceWatermark(10);
    push(after, again, 7);
    t.deepEqual(
      fired(after).filter((text) => / 3 at/.test(text)),
      once(again, 9, 3).sort(),
    );
  });
}
