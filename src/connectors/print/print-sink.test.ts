import test from 'ava';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { SinkWriteContext } from '../../functions/sink.ts';
import { printSink, type TextOutput } from './print-sink.ts';

const ATTEMPT: OperatorAttempt = {
  jobId: 'job',
  operatorId: 'sink',
  attemptNumber: 0,
  restoredCheckpointId: undefined,
};

const noTime: SinkWriteContext = { timestamp: () => undefined, currentWatermark: () => -Infinity };

/** An output in memory whose buffer is full after `roomMax` writes. */
class MemoryOutput implements TextOutput {
  text = '';
  roomMax = Number.POSITIVE_INFINITY;
  drainedCalls = 0;
  readonly #drain = Promise.withResolvers<void>();

  write(text: string): boolean {
    this.text += text;
    return --this.roomMax > 0;
  }

  drained(): Promise<void> {
    this.drainedCalls++;
    return this.#drain.promise;
  }

  async flush(): Promise<void> {
    this.drain();
  }

  drain(): void {
    this.#drain.resolve();
  }
}

function contextOf(subtask: number, parallelism: number): SubtaskContext {
  return {
    jobName: 'job',
    taskName: 'print',
    indexOfThisSubtask: subtask,
    numberOfParallelSubtasks: parallelism,
    maxNumberOfParallelSubtasks: 128,
    environment: simulatedEnvironment({ seed: 1 }),
    metricGroup: { counter: () => ({ inc: () => {}, count: 0 }) },
  };
}

function printed(value: unknown, prefix?: string, subtask = 0, parallelism = 1): string {
  const output = new MemoryOutput();
  const writer = printSink(prefix, output).createWriter(contextOf(subtask, parallelism), ATTEMPT);
  writer.write(value, noTime);
  return output.text;
}

test('a line has the prefix, the subtask from 1 if there are several, and the record', (t) => {
  t.is(printed('word'), 'word\n');
  t.is(printed('word', 'late'), 'late> word\n');
  t.is(printed('word', '', 1, 4), '2> word\n');
  t.is(printed('word', 'late', 1, 4), 'late:2> word\n');
});

test('records are shown in full on one line', (t) => {
  t.is(printed({ id: 1, name: 'x', at: [1n, null] }), "{ id: 1, name: 'x', at: [ 1n, null ] }\n");
  t.is(printed(-0.5), '-0.5\n');
  t.is(
    printed(new Map([['k', { deep: { deeper: { deepest: 1 } } }]])),
    "Map(1) { 'k' => { deep: { deeper: { deepest: 1 } } } }\n",
  );
  t.false(
    printed({ long: 'y'.repeat(20_000), many: Array.from({ length: 500 }, () => 'z') }).includes(
      'more',
    ),
  );
  t.is(printed(Array.from({ length: 300 }, (_, index) => ({ index }))).match(/\n/g)?.length, 1);
});

test('a full output holds the job back until it has drained', async (t) => {
  const output = new MemoryOutput();
  output.roomMax = 1;
  const writer = printSink('', output).createWriter(contextOf(0, 1), ATTEMPT);
  t.is(writer.backpressure?.(), undefined);
  writer.write('a', noTime);
  writer.write('b', noTime);
  const full = writer.backpressure?.();
  t.truthy(full);
  output.drain();
  await full;
  t.is(writer.backpressure?.(), undefined);
  t.is(output.drainedCalls, 1);
  t.is(output.text, 'a\nb\n');
});

test('flush waits for the output', async (t) => {
  const output = new MemoryOutput();
  const writer = printSink('', output).createWriter(contextOf(0, 1), ATTEMPT);
  await t.notThrowsAsync(async () => writer.flush(true));
});
