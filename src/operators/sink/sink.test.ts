import test from 'ava';
import type { Sink, SinkWriteContext } from '../../functions/sink.ts';
import { StageDriver } from '../testing/stage-driver.ts';
import { sinkStage } from './sink.ts';

/** Writes down every call. */
function loggingSink(log: string[], nextTimerMs?: () => number): Sink<string, string> {
  return {
    createWriter: () => ({
      write: (value, context: SinkWriteContext) =>
        void log.push(`write ${value} @${context.timestamp()} w${context.currentWatermark()}`),
      flush: (endOfInput) => void log.push(`flush ${endOfInput}`),
      prepareCommit: () => ['c1', 'c2'],
      ...(nextTimerMs === undefined ? {} : { nextTimerMs }),
      onTimer: () => void log.push('timer'),
      close: () => void log.push('close'),
    }),
    createCommitter: () => ({
      commit: async (committables) => void log.push(`commit ${committables.join()}`),
      close: () => void log.push('close committer'),
    }),
  };
}

test('a sink writes, and at the end flushes, commits and closes in this order', async (t) => {
  const log: string[] = [];
  const driver = new StageDriver(sinkStage({ kind: 'sink', sink: loggingSink(log) }));
  driver.push([['a', 5]]);
  driver.advanceWatermark(6);
  driver.push([['b']]);
  await driver.end();
  t.deepEqual(log, [
    'write a @5 w-Infinity',
    'write b @undefined w6',
    'flush true',
    'commit c1,c2',
    'close committer',
    'close',
  ]);
});

test('a sink closes its writer after a failure, without flush and commit', async (t) => {
  const log: string[] = [];
  const stage = sinkStage({ kind: 'sink', sink: loggingSink(log) });
  const driver = new StageDriver(stage);
  driver.push([['a', 5]]);
  await stage.close?.();
  t.deepEqual(log.slice(1), ['close']);
});

test('a sink wakes up for its timer only while the writer wants one', (t) => {
  const log: string[] = [];
  let due = Infinity;
  const sink = loggingSink(log, () => due);
  const driver = new StageDriver(sinkStage({ kind: 'sink', sink }), { nowMs: 1000 });
  t.is(driver.wakeUpMs, Infinity, 'a quiet sink has no timer');
  due = 250;
  driver.push([['a'], ['b']]);
  t.is(driver.wakeUpMs, 1250, 'monotonic 250 ms is 250 ms after the start of the clock');
  due = 400;
  driver.advanceTimeTo(1300);
  t.false(log.includes('timer'), 'the wish has moved');
  t.is(driver.wakeUpMs, 1400);
  due = Infinity;
  driver.advanceTimeTo(1500);
  t.false(log.includes('timer'));
  t.is(driver.wakeUpMs, Infinity);
  due = 600;
  driver.push([['c']]);
  driver.environment.clock.advanceTo(1600);
  driver.fireWakeUp();
  t.is(log.filter((line) => line === 'timer').length, 1);
});

test('a sink passes its writer’s backpressure on', async (t) => {
  const pending = Promise.resolve();
  const sink: Sink<string> = {
    createWriter: () => ({
      write: () => {},
      flush: () => {},
      backpressure: () => pending,
      close: () => {},
    }),
  };
  const driver = new StageDriver(sinkStage({ kind: 'sink', sink }));
  t.is(driver.stage.backpressure?.(), pending);
  await driver.end();
});
