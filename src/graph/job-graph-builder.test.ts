import test from 'ava';
import { buildJobGraph, createModuleEnvironment } from '../api/datastream/module-environment.ts';
import {
  OutputTag,
  type ProcessFunction,
  type StreamExecutionEnvironment,
  types,
} from '../index.ts';
import { configurationWith, defaultConfiguration } from './configuration.ts';
import type { JobGraph } from './job-graph.ts';

type Program = (env: StreamExecutionEnvironment) => void;

const odd = new OutputTag('odd', types.long);
const splitOdd: ProcessFunction<number, number> = {
  processElement(value, context, out) {
    if (value % 2 === 0) out.collect(value);
    else context.output(odd, value);
  },
};

function graphOf(program: Program, options: Readonly<Record<string, string>> = {}): JobGraph {
  const env = createModuleEnvironment(configurationWith(defaultConfiguration, options));
  program(env);
  return buildJobGraph(env, 'test');
}

function names(graph: JobGraph): readonly string[] {
  return graph.vertices.map((vertex) => vertex.name);
}

const next = (value: number): number => value + 1;

test('operators of one parallelism behind each other are one chain', (t) => {
  const graph = graphOf((env) =>
    env
      .fromSequence(1, 9)
      .map(next)
      .filter((v) => v > 2)
      .print(),
  );
  t.deepEqual(names(graph), [
    'Source: Sequence Source -> Map -> Filter -> Sink: Print to Std. Out',
  ]);
  t.deepEqual(graph.edges, []);
  t.deepEqual(
    graph.vertices[0]?.nodes.map((node) => node.parent),
    [-1, 0, 1, 2],
  );
});

test('keyBy, even at parallelism 1, ends a chain', (t) => {
  const graph = graphOf((env) =>
    env
      .fromSequence(1, 9)
      .keyBy((v) => v % 3)
      .sum()
      .print(),
  );
  t.deepEqual(names(graph), [
    'Source: Sequence Source',
    'Keyed Aggregation -> Sink: Print to Std. Out',
  ]);
  t.is(graph.edges[0]?.partitioner.kind, 'hash');
  t.is(graph.edges[0]?.keySelector, graph.vertices[1]?.nodes[0]?.keySelectors[0]);
});

test('map behind keyBy is an ordinary map on a hash edge, without a key', (t) => {
  const graph = graphOf((env) =>
    env
      .fromSequence(1, 9)
      .keyBy((v) => v % 3)
      .map(next)
      .print(),
  );
  t.is(graph.edges[0]?.partitioner.kind, 'hash');
  t.is(graph.vertices[1]?.nodes[0]?.keySelectors[0], undefined);
});

test('an edge between different parallelism is rebalance and ends a chain', (t) => {
  const graph = graphOf((env) => env.fromSequence(1, 9).map(next).setParallelism(3).print(), {
    'parallelism.default': '2',
  });
  t.deepEqual(
    graph.edges.map((edge) => edge.partitioner.kind),
    ['rebalance', 'rebalance'],
  );
  t.deepEqual(
    graph.vertices.map((vertex) => vertex.parallelism),
    [2, 3, 2],
  );
});

for (const [what, program] of [
  ['disableChaining', (env) => env.fromSequence(1, 9).map(next).disableChaining().print()],
  [
    'a slot sharing group for the map and another for the sink',
    (env) => env.fromSequence(1, 9).map(next).slotSharingGroup('a').print().slotSharingGroup('b'),
  ],
  [
    'another maximum parallelism',
    (env) => env.fromSequence(1, 9).map(next).setMaxParallelism(7).print(),
  ],
  [
    'disableOperatorChaining',
    (env) => env.disableOperatorChaining().fromSequence(1, 9).map(next).print(),
  ],
] satisfies readonly (readonly [string, Program])[]) {
  test(`${what} leaves three chains`, (t) => {
    const graph = graphOf(program);
    t.deepEqual(names(graph), ['Source: Sequence Source', 'Map', 'Sink: Print to Std. Out']);
    t.deepEqual(
      graph.edges.map((edge) => edge.partitioner.kind),
      ['forward', 'forward'],
    );
  });
}

test('startNewChain parts an operator from its input only', (t) => {
  const graph = graphOf((env) => env.fromSequence(1, 9).map(next).startNewChain().print());
  t.deepEqual(names(graph), ['Source: Sequence Source', 'Map -> Sink: Print to Std. Out']);
});

test('the slot sharing group of the input is taken over', (t) => {
  const graph = graphOf((env) => env.fromSequence(1, 9).slotSharingGroup('io').map(next).print());
  t.is(graph.vertices.length, 1);
  t.is(graph.vertices[0]?.slotSharingGroup, 'io');
});

test('a union ends the chains of its inputs and keeps their partitions', (t) => {
  const graph = graphOf((env) => {
    const a = env.fromSequence(1, 9);
    a.union(env.fromSequence(10, 19).broadcast(), a).map(next).print();
  });
  t.deepEqual(names(graph), [
    'Source: Sequence Source',
    'Source: Sequence Source',
    'Map -> Sink: Print to Std. Out',
  ]);
  t.deepEqual(
    graph.edges.map((edge) => edge.partitioner.kind),
    ['forward', 'broadcast', 'forward'],
  );
  t.deepEqual(
    graph.edges.map((edge) => edge.source.vertex),
    [0, 1, 0],
  );
  t.deepEqual(graph.vertices[2]?.inputs, [0, 1, 2]);
  t.deepEqual(
    graph.edges.map((edge) => edge.target.input),
    [0, 0, 0],
  );
});

test('side outputs chain, and the chain is a tree', (t) => {
  const graph = graphOf((env) => {
    const even = env.fromSequence(1, 9).process(splitOdd);
    even.map(next).print();
    even
      .getSideOutput(odd)
      .filter((v) => v > 2)
      .print();
  });
  const [vertex] = graph.vertices;
  t.is(
    vertex?.name,
    'Source: Sequence Source -> Process -> (Map -> Sink: Print to Std. Out, Filter -> Sink: ' +
      'Print to Std. Out)',
  );
  t.deepEqual(
    vertex?.nodes.map(({ name, parent, parentTag }) => [name, parent, parentTag]),
    [
      ['Source: Sequence Source', -1, undefined],
      ['Process', 0, undefined],
      ['Map', 1, undefined],
      ['Sink: Print to Std. Out', 2, undefined],
      ['Filter', 1, 'odd'],
      ['Sink: Print to Std. Out', 4, undefined],
    ],
  );
  t.is(vertex?.nodes[4]?.inputTypes[0], types.long);
});

test('a partitioned side output is an edge with a tag', (t) => {
  const graph = graphOf((env) => {
    env.fromSequence(1, 9).process(splitOdd).getSideOutput(odd).rebalance().print();
  });
  t.is(graph.edges[0]?.tag, 'odd');
  t.deepEqual(graph.edges[0]?.source, { vertex: 0, node: 1 });
});

test('of two partitions in a row the one nearer to the operator counts', (t) => {
  const graph = graphOf((env) => env.fromSequence(1, 9).broadcast().rescale().print());
  t.deepEqual(
    graph.edges.map((edge) => edge.partitioner.kind),
    ['rescale'],
  );
});

test('derived types follow filter, keyBy, partitions, unions and sums; map ends them', (t) => {
  const word = types.row({ word: types.string, count: types.int });
  const env = createModuleEnvironment(defaultConfiguration);
  const words = env.fromCollection([{ word: 'to', count: 1 }], word);
  const sums = words
    .filter(({ count }) => count > 0)
    .rebalance()
    .union(words)
    .keyBy('word')
    .sum('count');
  t.is(sums.getType(), word);
  t.is(sums.map(({ count }) => count).getType(), undefined);
  t.is(sums.map(({ count }) => count, types.int).getType(), types.int);
  t.is(
    sums
      .map(({ count }) => count)
      .returns(types.int)
      .filter((v) => v > 0)
      .getType(),
    types.int,
  );
});

test('a source that can use one subtask runs as one, whatever the default', (t) => {
  const graph = graphOf((env) => env.fromData(1, 2, 3).print(), { 'parallelism.default': '4' });
  t.deepEqual(
    graph.vertices.map((vertex) => vertex.parallelism),
    [1, 4],
  );
});

test('a collect operator stays in the chain of its input', (t) => {
  const graph = graphOf(
    (env) => env.fromSequence(1, 9).map(next).setParallelism(3).collectAsync('out'),
    { 'parallelism.default': '2' },
  );
  t.deepEqual(names(graph), ['Source: Sequence Source', 'Map -> Collect out']);
});

test('maximum parallelism comes from the operator, the environment, or the parallelism', (t) => {
  const derived = graphOf((env) => env.fromSequence(1, 9).print(), {
    'parallelism.default': '100',
  });
  t.is(derived.vertices[0]?.maxParallelism, 256);
  const given = graphOf((env) => env.fromSequence(1, 9).print(), {
    'pipeline.max-parallelism': '5',
  });
  t.is(given.vertices[0]?.maxParallelism, 5);
});

test('forceNonParallel runs one subtask with one key group', (t) => {
  const graph = graphOf((env) => env.fromSequence(1, 9).map(next).forceNonParallel().print(), {
    'parallelism.default': '2',
  });
  t.deepEqual(
    graph.vertices.map((vertex) => vertex.parallelism),
    [2, 1, 2],
  );
  t.is(graph.vertices[1]?.maxParallelism, 1);
});

test('edges carry the buffer timeout of the operator that writes them', (t) => {
  const graph = graphOf((env) => {
    env.setBufferTimeout(7);
    env.fromSequence(1, 9).rebalance().map(next).setBufferTimeout(0).rebalance().print();
  });
  t.deepEqual(
    graph.edges.map((edge) => edge.bufferTimeoutMs),
    [7, 0],
  );
});

test('the graph is frozen', (t) => {
  const graph = graphOf((env) => env.fromSequence(1, 9).rebalance().print());
  for (const part of [
    graph,
    graph.vertices,
    graph.vertices[0],
    graph.vertices[0]?.nodes,
    graph.edges[0],
  ]) {
    t.true(Object.isFrozen(part));
  }
});

test('connected streams are the two inputs of one operator, which heads its chain', (t) => {
  const graph = graphOf((env) => {
    const a = env.fromSequence(1, 9);
    const b = env.fromData('a').union(env.fromData('b'));
    a.connect(b)
      .map({ map1: (n) => n, map2: (s) => s.length })
      .map(next)
      .print();
  });
  t.deepEqual(names(graph).slice(3), ['Co-Map -> Map -> Sink: Print to Std. Out']);
  t.deepEqual(
    graph.edges.map(({ source, target }) => [source.vertex, target.vertex, target.input]),
    [
      [0, 3, 0],
      [1, 3, 1],
      [2, 3, 1],
    ],
  );
  const head = graph.vertices[3]?.nodes[0];
  t.deepEqual(head?.inputTypes, [types.long, undefined]);
  t.deepEqual(head?.keySelectors, [undefined, undefined]);
});

test('two keyed streams are partitioned each by its own key', (t) => {
  const byItself = (n: number): number => n;
  const byNegative = (n: number): number => -n;
  const build = (env: StreamExecutionEnvironment, swapped: boolean): void => {
    const a = env.fromSequence(1, 9);
    const b = env.fromSequence(11, 19);
    const connected = swapped ? b.connect(a) : a.connect(b);
    connected
      .keyBy(byItself, byNegative)
      .process({
        processElement1: (n, context, out) => out.collect(n + context.getCurrentKey()),
        processElement2: (n, context, out) => out.collect(n - context.getCurrentKey()),
      })
      .print();
  };
  const graph = graphOf((env) => build(env, false));
  const { nodes, index } = graph.vertices[2] ?? {};
  t.is(index, 2);
  t.deepEqual(nodes?.[0]?.keySelectors, [byItself, byNegative]);
  t.deepEqual(
    graph.edges.map(({ partitioner, keySelector }) => [partitioner.kind, keySelector]),
    [
      ['hash', byItself],
      ['hash', byNegative],
    ],
  );
  const swapped = graphOf((env) => build(env, true));
  t.not(swapped.hash, graph.hash);
  t.not(swapped.vertices[2]?.id, graph.vertices[2]?.id);
});

test('of functions on a keyed stream only objects with a life are keyed operators', (t) => {
  const graph = graphOf((env) => {
    const keyed = env.fromSequence(1, 9).keyBy((n) => n);
    keyed.map(next).print();
    keyed.map({ map: next }).print();
    keyed.process({ processElement: (n, _context, out) => out.collect(n) }).print();
  });
  t.deepEqual(
    graph.vertices.slice(1).map(({ nodes: [head] }) => head?.spec.kind),
    ['map', 'keyed-process', 'keyed-process'],
  );
});
