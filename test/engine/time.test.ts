/**
 * Event time from end to end: idleness, the end of input. In virtual time, so that waiting takes
 * none.
 */
import test from 'ava';
import {
  END_OF_INPUT,
  NOTHING_AVAILABLE,
  MORE_AVAILABLE,
  type Source,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from '../../src/index.ts';
import { runSimulated } from '../../src/testing/index.ts';

interface Reading {
  readonly k: string;
  readonly t: number;
}

const strategy = WatermarkStrategy.forMonotonousTimestamps<Reading>().withTimestampAssigner(
  (reading: Reading) => reading.t,
);

/**
 * One reading per second of virtual time; subtasks other than the first are silent until it has
 * ended.
 */
function slowSource(count: number, readings: (n: number) => Reading): Source<Reading> {
  return {
    boundedness: 'bounded',
    createEnumerator: (context) => ({
      addReader: (subtask) => context.signalNoMoreSplits(subtask),
      handleSplitRequest: () => {},
      addSplitsBack: () => {},
      snapshotState: () => [],
    }),
    createReader: ({ indexOfSubtask, environment: { clock } }) => {
      const startMs = clock.monotonicMs();
      let next = 0;
      const nextMs = (): number => startMs + (next + 1) * 1000;
      return {
        pollNext: (output) => {
          if (indexOfSubtask > 0) next = count;
          if (next === count && clock.monotonicMs() >= startMs + (count + 30) * 1000)
            return END_OF_INPUT;
          if (next === count || clock.monotonicMs() < nextMs()) return NOTHING_AVAILABLE;
          output.collect(readings(next++));
          return MORE_AVAILABLE;
        },
        isAvailable: () => Promise.reject(new Error('nextPollMs spares this')),
        nextPollMs: () => (next === count ? startMs + (count + 30) * 1000 : nextMs()),
        addSplits: () => {},
        notifyNoMoreSplits: () => {},
        snapshotState: () => [],
        close: () => {},
      };
    },
  };
}

for (const idle of [true, false]) {
  test(`a silent source subtask ${idle ? 'with' : 'without'} idleness ${idle ? 'does not hold' : 'holds'} windows back`, async (t) => {
    const firedAt: number[] = [];
    for (let seed = 0; seed < 5; seed++) {
      firedAt.length = 0;
      const run = await runSimulated(
        (env) => {
          env
            .fromSource(
              slowSource(20, (n) => ({ k: 'a', t: n * 1000 })),
              idle ? strategy.withIdleness(3000) : strategy,
              'readings',
            )
            .keyBy('k')
            .window(TumblingEventTimeWindows.of(5000))
            .process<number>({
              process: (_key, context, elements, out) => {
                firedAt.push(context.currentProcessingTime());
                out.collect([...elements].length);
              },
            })
            .collectAsync('counts');
        },
        { seed, parallelism: 2 },
      );
      t.deepEqual(run.collected('counts'), [5, 5, 5, 5], `seed ${seed}`);
      const lastMs = run.environment.clock.now();
      const early = firedAt.filter((at) => at < lastMs - 20_000).length;
      t.is(early, idle ? 3 : 0, `seed ${seed}: fired at ${firedAt.map((at) => at - lastMs)}`);
    }
  });
}

test('the end of input fires all windows, at every parallelism', async (t) => {
  for (const parallelism of [1, 2, 5]) {
    const run = await runSimulated(
      (env) => {
        env
          .fromSequence(1, 500)
          .map((n) => ({ k: `${n % 7}`, t: n * 10 }))
          .assignTimestampsAndWatermarks(strategy)
          .keyBy('k')
          .window(TumblingEventTimeWindows.of(1000))
          .process<number>({
            process: (_key, _context, elements, out) => out.collect([...elements].length),
          })
          .collectAsync('counts');
      },
      { seed: parallelism, parallelism },
    );
    const counts = run.collected('counts') as number[];
    t.is(
      counts.reduce((a, b) => a + b, 0),
      500,
    );
  }
});
