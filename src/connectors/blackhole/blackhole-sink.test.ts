import test from 'ava';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { SinkWriteContext } from '../../functions/sink.ts';
import { blackholeSink, RECORDS_COUNTER } from './blackhole-sink.ts';

const ATTEMPT: OperatorAttempt = {
  jobId: 'job',
  operatorId: 'sink',
  attemptNumber: 0,
  restoredCheckpointId: undefined,
};

const noTime: SinkWriteContext = { timestamp: () => undefined, currentWatermark: () => -Infinity };

test('records are counted at every flush and at the end', async (t) => {
  const counts = new Map<string, number>();
  const context: SubtaskContext = {
    jobName: 'job',
    taskName: 'blackhole',
    indexOfThisSubtask: 0,
    numberOfParallelSubtasks: 1,
    maxNumberOfParallelSubtasks: 128,
    environment: simulatedEnvironment({ seed: 1 }),
    metricGroup: {
      counter: (name) => ({
        inc: (by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
        get count() {
          return counts.get(name) ?? 0;
        },
      }),
    },
  };
  const writer = blackholeSink<number>().createWriter(context, ATTEMPT);
  for (let value = 0; value < 10; value++) writer.write(value, noTime);
  await writer.flush(false);
  t.is(counts.get(RECORDS_COUNTER), 10);
  writer.write(10, noTime);
  await writer.close();
  t.is(counts.get(RECORDS_COUNTER), 11);
});
