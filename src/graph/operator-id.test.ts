import test from 'ava';
import { buildJobGraph, createModuleEnvironment } from '../api/datastream/module-environment.ts';
import '../index.ts';
import type { StreamExecutionEnvironment } from '../api/datastream/stream-execution-environment.ts';
import { defaultConfiguration } from './configuration.ts';

function idsOf(
  program: (env: StreamExecutionEnvironment) => void,
): Readonly<Record<string, string>> {
  const env = createModuleEnvironment({ ...defaultConfiguration, parallelism: 2 });
  program(env);
  const nodes = buildJobGraph(env, 'test').vertices.flatMap((vertex) => vertex.nodes);
  return Object.fromEntries(nodes.map((node) => [node.name, node.operatorId]));
}

const base = idsOf((env) =>
  env
    .fromSequence(1, 9)
    .keyBy((v) => v % 3)
    .sum()
    .name('sums')
    .print(),
);

test('ids survive renaming, rescaling and a change of functions', (t) => {
  const other = idsOf((env) => {
    env
      .fromSequence(1, 5)
      .name('s')
      .keyBy((v) => v % 7)
      .sum()
      .name('renamed')
      .setParallelism(3)
      .print();
  });
  t.is(other['renamed'], base['sums']);
});

test('ids survive an operator elsewhere in the program', (t) => {
  const other = idsOf((env) => {
    env
      .fromSequence(1, 9)
      .keyBy((v) => v % 3)
      .sum()
      .name('sums')
      .print();
    env
      .fromData('a')
      .map((v) => v)
      .print();
  });
  t.is(other['sums'], base['sums']);
});

test('an operator in between changes the ids behind it', (t) => {
  const other = idsOf((env) => {
    env
      .fromSequence(1, 9)
      .map((v) => v)
      .keyBy((v) => v % 3)
      .sum()
      .name('sums')
      .print();
  });
  t.not(other['sums'], base['sums']);
});

test('a uid alone decides the id', (t) => {
  const a = idsOf((env) =>
    env
      .fromSequence(1, 9)
      .map((v) => v)
      .uid('u')
      .name('m')
      .print(),
  );
  const b = idsOf((env) =>
    env
      .fromData('x')
      .filter(() => true)
      .flatMap(() => [])
      .uid('u')
      .name('m')
      .print(),
  );
  t.is(a['m'], b['m']);
  t.regex(a['m'] ?? '', /^[0-9a-f]{32}$/);
});

test('equal operators side by side have ids of their own', (t) => {
  const ids = idsOf((env) => {
    const source = env.fromSequence(1, 9);
    for (const name of ['a', 'b', 'c'])
      source
        .map((v) => v)
        .name(name)
        .print()
        .name(`to ${name}`);
  });
  t.is(new Set(Object.values(ids)).size, 7);
});
