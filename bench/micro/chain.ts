/**
 * Five operators per row (map, filter, map, filter, map) in one generated loop, and as five calls
 * through an array of operators: what decision 2 is about.
 */
import { filterStage } from '../../src/operators/filter.ts';
import { mapStage } from '../../src/operators/map.ts';
import type { ChainStage, Emit, RowBatch } from '../../src/operators/chain-stage.ts';
import { newRowBatch } from '../../src/runtime/channel/row-batch.ts';
import { LoopCompiler, type LoopNode } from '../../src/runtime/task/loop-compiler.ts';
import type { Bench } from '../support/bench.ts';
import { sink } from './codec.ts';
import { microResult } from './tinybench-results.ts';

const ROWS = 1024;

interface Pair {
  readonly key: number;
  readonly value: number;
}

type Step =
  | { readonly kind: 'map'; readonly function: (pair: Pair) => Pair }
  | { readonly kind: 'filter'; readonly function: (pair: Pair) => boolean };

/** See the file's head. */
export const chainBench: Bench = {
  name: 'chain',
  run: async function* ({ quick }) {
    const batch = pairs();
    const loop = generatedLoop(steps());
    const interpreted = arrayOfOperators(steps());
    const tasks = [
      { name: 'generated loop', perCall: ROWS, call: () => loop(batch, 0, ROWS) },
      { name: 'array of operators', perCall: ROWS, call: () => interpreted(batch) },
    ];
    yield await microResult('chain', tasks, quick);
  },
};

function pairs(): RowBatch {
  const batch = newRowBatch(ROWS);
  for (let row = 0; row < ROWS; row++) batch.values[row] = { key: row % 100, value: row };
  batch.count = ROWS;
  return batch;
}

/** New functions for each user of them, as in two jobs. */
function steps(): Step[] {
  return [
    { kind: 'map', function: (pair) => ({ key: pair.key, value: pair.value + 1 }) },
    { kind: 'filter', function: (pair) => pair.value >= 0 },
    { kind: 'map', function: (pair) => ({ key: pair.key, value: pair.value * 2 }) },
    { kind: 'filter', function: (pair) => pair.key < 1000 },
    { kind: 'map', function: (pair) => ({ key: pair.key, value: pair.value - 1 }) },
  ];
}

function generatedLoop(all: readonly Step[]): (batch: RowBatch, from: number, to: number) => void {
  const write: Emit = (value) => {
    sink.value = value;
  };
  const nodes = all.map(
    (step, index): LoopNode => ({
      index,
      stage: stageOf(step),
      counts: {
        numRecordsIn: 0,
        numRecordsOut: 0,
        numLateRecordsDropped: 0,
        numLateRecordsSideOutput: 0,
        numDeadLetters: 0,
      },
      children: index + 1 < all.length ? [index + 1] : [],
      writes: index + 1 < all.length ? [] : [write],
      sideOutputs: new Map(),
      isOnMainOutput: index > 0,
      batch: undefined,
      flushBatch: undefined,
    }),
  );
  return new LoopCompiler(nodes, { at: 0, row: 0, emitted: 0, collected: 0 }).runRows();
}

function stageOf(step: Step): ChainStage {
  return step.kind === 'map'
    ? mapStage({ kind: 'map', function: step.function })
    : filterStage({ kind: 'filter', function: step.function });
}

function arrayOfOperators(all: readonly Step[]): (batch: RowBatch) => void {
  return (batch) => {
    for (let row = 0; row < batch.count; row++) {
      let pair = batch.values[row] as Pair;
      let passes = true;
      for (let at = 0; at < all.length && passes; at++) {
        const step = all[at];
        if (step?.kind === 'map') pair = step.function(pair);
        else if (step !== undefined) passes = step.function(pair);
      }
      if (passes) sink.value = pair;
    }
  };
}
