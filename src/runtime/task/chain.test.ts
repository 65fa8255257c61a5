/**
 * Chains as the job graph describes them: programs built by the API, one subtask's chain run by
 * hand.
 */
import test from 'ava';
import { buildJobGraph, createModuleEnvironment } from '../../api/datastream/module-environment.ts';
import type { StreamExecutionEnvironment } from '../../api/datastream/stream-execution-environment.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { collectionSource } from '../../connectors/collection/index.ts';
import { OutputTag } from '../../functions/output-tag.ts';
import { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import { TumblingEventTimeWindows } from '../../functions/windowing/aligned-windows.ts';
import { defaultConfiguration } from '../../graph/configuration.ts';
import { type ChainStage, MAX_WATERMARK } from '../../operators/chain-stage.ts';
import { stageFor } from '../../operators/registry.ts';
import { heapBackend } from '../../state/heap/heap-backend.ts';
import { operatorStateBackend } from '../../state/heap/operator-state.ts';
import { newRowBatch } from '../channel/row-batch.ts';
import { Chain } from './chain.ts';
import { sourceStage } from './source-stage.ts';

interface TestChain {
  readonly chain: Chain;
  readonly collected: Map<string, unknown[]>;
  readonly sources: Map<string, string>;
  run(values: readonly unknown[], times?: readonly number[], input?: number): void;
}

/** The chain of the vertex of that index, opened. */
function chainOf(
  build: (env: StreamExecutionEnvironment) => void,
  vertexIndex = 0,
  head?: ChainStage,
): TestChain {
  const env = createModuleEnvironment(defaultConfiguration);
  build(env);
  const graph = buildJobGraph(env, 'test');
  const vertex = graph.vertices[vertexIndex];
  if (vertex === undefined) throw new RangeError(`no vertex ${vertexIndex}`);
  const collected = new Map<string, unknown[]>();
  const sources = new Map<string, string>();
  const environment = simulatedEnvironment({ seed: 1 });
  const stages: ChainStage[] = vertex.nodes.map(({ spec }) =>
    spec.kind === 'source' ? sourceStage(spec) : stageFor(spec),
  );
  if (head !== undefined) stages[0] = head;
  const chain = new Chain({
    vertex,
    stages,
    outputs: [],
    environment,
    configuration: graph.configuration,
    runtimeContext: ({ name }) => ({
      jobName: 'test',
      taskName: name,
      indexOfThisSubtask: 0,
      numberOfParallelSubtasks: 1,
      maxNumberOfParallelSubtasks: 128,
      environment,
      metricGroup: { counter: () => ({ inc: () => {}, count: 0 }) },
    }),
    collectEndpoint: (name) => {
      const rows: unknown[] = [];
      collected.set(name, rows);
      return { append: (value) => rows.push(value), hasCredit: () => true, flush: () => {} };
    },
    dump: (name, source) => sources.set(name, source),
    attempt: { jobId: undefined, attemptNumber: 0, restoredCheckpointId: undefined },
    state: {
      keyedBackend: ({ name }) =>
        heapBackend({
          operatorName: name,
          maxParallelism: 128,
          keyGroups: { first: 0, last: 127 },
          environment,
          memoryBytes: 2 ** 30,
        }),
      operatorBackend: ({ name }) => operatorStateBackend({ operatorName: name }),
      restored: undefined,
    },
  });
  chain.open();
  const run = (
    values: readonly unknown[],
    times: readonly number[] = [],
    input: number = 0,
  ): void => {
    const batch = newRowBatch();
    for (const [row, value] of values.entries()) {
      batch.values[row] = value;
      batch.timestamps[row] = times[row] ?? -Infinity;
    }
    batch.count = values.length;
    chain.runRows(batch, input);
  };
  return { chain, collected, sources, run };
}

const numbers = (env: StreamExecutionEnvironment) =>
  env.fromSource(collectionSource<number>([]), WatermarkStrategy.noWatermarks<number>(), 'numbers');

/** in, out of each operator. */
const countsOf = ({ chain }: TestChain): [number, number][] =>
  chain.counts().map(({ numRecordsIn, numRecordsOut }) => [numRecordsIn, numRecordsOut]);

test('a chain runs its operators in order and counts records in and out', (t) => {
  const test = chainOf((env) => {
    numbers(env)
      .map((n) => n + 1)
      .filter((n) => n % 2 === 0)
      .flatMap((n) => [n, -n])
      .collectAsync('all');
  });
  test.run([1, 2, 3]);
  t.deepEqual(test.collected.get('all'), [2, -2, 4, -4]);
  t.deepEqual(countsOf(test), [
    [3, 3],
    [3, 3],
    [3, 2],
    [2, 4],
    [4, 0],
  ]);
});

test('every child of an operator gets every record, and each value is computed once', (t) => {
  let calls = 0;
  const test = chainOf((env) => {
    const mapped = numbers(env).map((n) => {
      calls++;
      return { n };
    });
    mapped.map(({ n }) => n * 10).collectAsync('tens');
    mapped.filter(({ n }) => n > 1).collectAsync('rows');
    mapped.collectAsync('same');
  });
  test.run([1, 2]);
  t.is(calls, 2);
  t.deepEqual(test.collected.get('tens'), [10, 20]);
  t.deepEqual(test.collected.get('rows'), [{ n: 2 }]);
  t.is(test.collected.get('rows')?.[0], test.collected.get('same')?.[1], 'by reference');
});

test('an operator without any reader runs for its effects', (t) => {
  const seen: number[] = [];
  const test = chainOf((env) => {
    const source = numbers(env);
    source.collectAsync('all');
    source
      .map((n) => seen.push(n))
      .sinkTo({
        createWriter: () => ({ write: () => {}, flush: () => {}, close: () => {} }),
      });
  });
  test.run([1, 2]);
  t.deepEqual(seen, [1, 2]);
});

test('side outputs go their own way in a chain; one that nobody reads is no error', (t) => {
  const odd = new OutputTag<number>('odd');
  const unread = new OutputTag<number>('unread');
  const test = chainOf((env) => {
    const main = numbers(env).process<number>({
      processElement: (n, context, out) => {
        context.output(unread, n);
        if (n % 2 === 1) context.output(odd, n);
        else out.collect(n);
      },
    });
    main.collectAsync('even');
    main
      .getSideOutput(odd)
      .map((n) => n * 100)
      .collectAsync('odd');
  });
  test.run([1, 2, 3, 4]);
  t.deepEqual(test.collected.get('even'), [2, 4]);
  t.deepEqual(test.collected.get('odd'), [100, 300]);
});

test('a failure names the operator that threw and the record that the chain was at', (t) => {
  const failIn = (at: string) => (where: string) => (n: number) => {
    if (where === at && n === 3) throw new Error(`in ${where}`);
    return n;
  };
  for (const at of ['first', 'second', 'third']) {
    const step = failIn(at);
    const test = chainOf((env) => {
      numbers(env)
        .map(step('first'))
        .name('first')
        .flatMap((n) => [step('second')(n)])
        .name('second')
        .filter((n) => step('third')(n) > 0)
        .name('third')
        .collectAsync('all');
    });
    t.throws(() => test.run([1, 2, 3, 4]), { message: `in ${at}` });
    t.deepEqual(test.chain.failure(), { operator: at, record: 3 });
    t.deepEqual(countsOf(test)[0], [3, 3], 'counters are kept up to the failure');
  }
});

test('a failure of a reader after it has collected is its own', (t) => {
  const { chain } = chainOf((env) =>
    numbers(env)
      .map((n) => n)
      .name('m')
      .collectAsync('all'),
  );
  const collect = chain.collect();
  collect(1);
  t.deepEqual(chain.failure(), { operator: 'Source: numbers', record: undefined });
});

test('a failure in a source chain names the record that was collected', (t) => {
  const test = chainOf((env) => {
    numbers(env)
      .map((n) => (n === 2 ? fail() : n))
      .name('m')
      .collectAsync('all');
  });
  const collect = test.chain.collect();
  collect(1);
  t.throws(() => collect(2));
  t.deepEqual(test.chain.failure(), { operator: 'm', record: 2 });
});

function fail(): number {
  throw new Error('no');
}

test('a failure in an operator that works on batches names the record that it was given', (t) => {
  const test = chainOf((env) => {
    numbers(env)
      .keyBy((n) => n)
      .reduce((_, n) => (n === 2 ? fail() : n))
      .name('sum')
      .collectAsync('all');
  }, 1);
  const { chain } = test;
  t.throws(() => test.run([1, 2, 3, 2, 4]));
  t.deepEqual(chain.failure(), { operator: 'sum', record: 2 });
});

test('watermarks fire windows, in slices, before the pass is done', (t) => {
  const test = chainOf((env) => {
    env
      .fromSource(
        collectionSource<number>([]),
        WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((n: number) => n),
        'numbers',
      )
      .keyBy((n) => n)
      .window(TumblingEventTimeWindows.of(1_000_000))
      .sum()
      .collectAsync('sums');
  }, 1);
  const rows = Array.from({ length: 1000 }, (_, n) => n);
  for (let batch = 0; batch < 4; batch++) {
    const values = rows.map((n) => n + 1000 * batch);
    test.run(values, values);
  }
  t.false(test.chain.passes.beginWatermark(999_999), 'four thousand keys are more than a slice');
  t.true(test.chain.passes.inPass);
  t.true((test.collected.get('sums')?.length ?? 0) < 4000);
  while (!test.chain.passes.continuePass());
  t.is(test.collected.get('sums')?.length, 4000);
  t.true(
    test.chain.passes.beginWatermark(999_999),
    'a watermark that does not advance does nothing',
  );
  t.true(test.chain.passes.beginWatermark(MAX_WATERMARK));
});

test('the sources of the generated loops have no text of the user', (t) => {
  const evil = "'];process.exit();//";
  const test = chainOf((env) => {
    numbers(env)
      .map((n) => ({ [evil]: n }))
      .name(evil)
      .keyBy((row) => row[evil] as number)
      .reduce((a) => a)
      .collectAsync(evil);
  });
  test.chain.collect();
  t.true(test.sources.size > 0);
  for (const source of test.sources.values()) {
    t.false(source.includes('process.exit'));
    t.regex(source, /return function/);
  }
});

test('operators are closed in any case, and the first failure is told with its operator', async (t) => {
  const closed: string[] = [];
  const { chain } = chainOf((env) => {
    const rich = (name: string, throws: boolean) => ({
      map: (n: number) => n,
      close: () => {
        closed.push(name);
        if (throws) throw new Error(`${name} does not close`);
      },
    });
    numbers(env)
      .map(rich('a', true))
      .name('a')
      .map(rich('b', true))
      .name('b')
      .map(rich('c', false))
      .collectAsync('x');
  });
  await t.throwsAsync(chain.close(), { message: 'a does not close' });
  t.is(chain.failure().operator, 'a');
  t.deepEqual(closed, ['a', 'b', 'c']);
});

/** `a` and `b` into one operator that is the head of vertex 2. */
const twoInputs = (env: StreamExecutionEnvironment): void => {
  numbers(env)
    .connect(numbers(env))
    .map({ map1: (n) => `one ${n}`, map2: (n) => `two ${n}` })
    .collectAsync('all');
};

test('each input of connected streams has a loop of its own', (t) => {
  const test = chainOf(twoInputs, 2);
  test.run([1, 2]);
  test.run([3], [], 1);
  test.run([4]);
  t.deepEqual(test.collected.get('all'), ['one 1', 'one 2', 'two 3', 'one 4']);
  t.deepEqual(countsOf(test), [
    [4, 4],
    [4, 0],
  ]);
});

test('the end of each input is told once, that of the last one behind the last watermark', (t) => {
  const calls: string[] = [];
  const head: ChainStage = {
    kind: 'co-process',
    inputCount: 2,
    keyed: false,
    open: () => {},
    onBatch: ({ count }, input) => void calls.push(`${count} rows of ${input}`),
    onWatermark: (watermark) => {
      calls.push(`watermark ${watermark}`);
      return true;
    },
    endInput: (input) => {
      calls.push(`end of ${input}`);
      return calls.filter((call) => call === `end of ${input}`).length === 2;
    },
  };
  const { chain, run } = chainOf(twoInputs, 2, head);
  run([1, 2], [], 1);
  t.false(chain.passes.beginEndOfInput(1), 'it needs two slices');
  t.true(chain.passes.continuePass());
  run([3]);
  t.true(chain.passes.beginWatermark(MAX_WATERMARK));
  t.false(chain.passes.beginEnd());
  t.true(chain.passes.continuePass());
  t.deepEqual(calls, [
    '2 rows of 1',
    'end of 1',
    'end of 1',
    '1 rows of 0',
    'watermark Infinity',
    'end of 0',
    'end of 0',
  ]);
});
