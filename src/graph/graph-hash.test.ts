import test from 'ava';
import { buildJobGraph, createModuleEnvironment } from '../api/datastream/module-environment.ts';
import {
  OutputTag,
  seconds,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  types,
  WatermarkStrategy,
} from '../index.ts';
import { defaultConfiguration, type PipelineConfiguration } from './configuration.ts';
import { describeGraphDifference, graphFingerprint } from './graph-hash.ts';
import type { JobGraph } from './job-graph.ts';

/** One difference at a time. */
interface Variant {
  readonly add?: number;
  readonly key?: 'word' | 'other';
  readonly windowMs?: number;
  readonly name?: string;
  readonly values?: readonly string[];
  readonly tag?: string;
  readonly declared?: boolean;
  readonly fun?: (length: number) => number;
  readonly configuration?: Partial<PipelineConfiguration>;
  readonly extra?: boolean;
  readonly jobName?: string;
}

const plusOne = (length: number): number => length + 1;

function graphOf(variant: Variant = {}): JobGraph {
  const env = createModuleEnvironment({ ...defaultConfiguration, ...variant.configuration });
  build(env, variant);
  return buildJobGraph(env, variant.jobName ?? 'test');
}

function build(env: StreamExecutionEnvironment, variant: Variant): void {
  const { fun = plusOne, windowMs = 1000, key = 'word', name = 'lengths' } = variant;
  const word = types.row({ word: types.string, other: types.string, length: types.int });
  const mapped = env
    .fromData(variant.values ?? ['to', 'be'])
    .map((text) => ({ word: text, other: text, length: fun(text.length) }))
    .name(name);
  if (variant.declared === true) mapped.returns(word);
  mapped.filter(variant.fun === undefined ? () => true : ({ length }) => length > 1);
  const sums = mapped
    .assignTimestampsAndWatermarks(
      WatermarkStrategy.forBoundedOutOfOrderness<{ length: number }>(
        seconds(1),
      ).withTimestampAssigner((record) => record.length),
    )
    .keyBy(key)
    .window(TumblingEventTimeWindows.of(windowMs))
    .sideOutputLateData(new OutputTag(variant.tag ?? 'late'))
    .sum('length');
  sums.print();
  if (variant.extra === true) sums.map((record) => record.word).print();
}

function difference(variant: Variant): string | undefined {
  return describeGraphDifference(graphFingerprint(graphOf()), graphFingerprint(graphOf(variant)));
}

test('two builds of one program are equal', (t) => {
  t.is(graphOf().hash, graphOf().hash);
  t.is(difference({}), undefined);
});

test('the hash does not depend on the job name, the executor or the dump folder', (t) => {
  const other = graphOf({
    jobName: 'other',
    configuration: { executor: 'workers', dumpChains: '/x' },
  });
  t.is(other.hash, graphOf().hash);
});

const cases: readonly (readonly [what: string, variant: Variant, expected: RegExp])[] = [
  ['a name', { name: 'sizes' }, /^operator 2 is 'lengths' and 'sizes'$/],
  [
    'a key field',
    { key: 'other' },
    /'TumblingEventTimeWindows': key is 'field word' and 'field other'/,
  ],
  [
    'a window size',
    { windowMs: 500 },
    /'TumblingEventTimeWindows': assigner is .*1000.* and .*500/,
  ],
  [
    'values',
    { values: ['to', 'see'] },
    /'Source: Collection Source': parameters is .*be.* and .*see/,
  ],
  ['a tag', { tag: 'later' }, /'TumblingEventTimeWindows': lateDataTag is .*late.* and .*later/],
  [
    'a declared type',
    { declared: true },
    /'lengths': output type is 'captured' and 'row<word: string/,
  ],
  [
    'a function',
    { fun: (length) => length },
    /'Filter': function is '\(\) => true' and '\(\{ length \}\)/,
  ],
  [
    'an option',
    { configuration: { bufferTimeoutMs: 9 } },
    /^option bufferTimeoutMs is '1' and '9'$/,
  ],
  ['the parallelism', { configuration: { parallelism: 2 } }, /^option parallelism is '1' and '2'$/],
  ['an operator more', { extra: true }, /'Map' is only in the second graph/],
];

for (const [what, variant, expected] of cases) {
  test(`${what} changes the hash and is named`, (t) => {
    t.not(graphOf(variant).hash, graphOf().hash);
    t.regex(difference(variant) ?? 'no difference', expected);
  });
}

test('a fingerprint survives the way to another thread', (t) => {
  const fingerprint = graphFingerprint(graphOf());
  t.is(describeGraphDifference(fingerprint, structuredClone(fingerprint)), undefined);
  t.deepEqual(structuredClone(fingerprint), fingerprint);
});
