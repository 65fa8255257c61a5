/**
 * Small programs as data: built into a job, or interpreted by plain loops over arrays. What the two
 * give must be the same multiset, whatever runs the job and at every parallelism.
 *
 * The operators are chosen so that results do not depend on the order of records: windows and
 * counts are commutative, and a rolling count gives 1, 2, … n per key in any order.
 */
import { collectionSource } from '../../src/connectors/collection/index.ts';
import { dataGeneratorSource } from '../../src/connectors/datagen/index.ts';
import {
  type DataStream,
  OutputTag,
  SlidingEventTimeWindows,
  type Source,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from '../../src/index.ts';
import { type Row, windowRow } from './row.ts';
import { TimedSums } from './timed-sums.ts';

/** A step of a program. */
export type Step =
  | { readonly kind: 'map'; readonly times: number; readonly plus: number }
  | { readonly kind: 'filter'; readonly modulo: number }
  | { readonly kind: 'flat-map'; readonly modulo: number; readonly asIterable: boolean }
  | { readonly kind: 'partition'; readonly by: PartitionKind }
  | { readonly kind: 'broadcast'; readonly parallelism: number }
  | { readonly kind: 'union'; readonly plus: number; readonly modulo: number }
  | { readonly kind: 'side-output'; readonly modulo: number; readonly plus: number }
  | { readonly kind: 'window'; readonly sizeMs: number; readonly slideMs: number }
  /**
   * Sums by key until a timer comes; what `connects` keeps back comes from a second input and is
   * taken away.
   */
  | { readonly kind: 'process'; readonly sizeMs: number; readonly connects: number | null };

/** Partitionings that change no result. */
export type PartitionKind = 'rebalance' | 'rescale' | 'shuffle' | 'global' | 'custom' | 'key';

/** A program. */
export interface Program {
  readonly rows: readonly Row[];
  /** How fast they come; undefined: all at once. */
  readonly ratePerSecond?: number;
  /** How far a record may lag the largest timestamp before it. */
  readonly boundMs: number;
  readonly emit: 'on-event' | 'on-periodic';
  readonly strategyAtSource: boolean;
  readonly steps: readonly (Step & { readonly own: OperatorSettings })[];
  /** Ends in a rolling count per key. */
  readonly counts: boolean;
}

/** Settings of the operator that a step adds. */
export interface OperatorSettings {
  readonly chaining: 'on' | 'off';
  /** Undefined: the job's. */
  readonly parallelism: number | null;
}

const LATE = new OutputTag<Row>('late');

/** Adds the program to `env`; its results are collected as `results`. */
export function buildProgram(env: StreamExecutionEnvironment, program: Program): void {
  let stream = sourceOf(env, program);
  for (const step of program.steps) stream = addStep(stream, step);
  if (program.counts) stream = countOf(stream);
  stream.collectAsync('results');
}

/** One window after the source; `late` collects what was too late. */
export function buildLateProgram(env: StreamExecutionEnvironment, program: Program): void {
  const results = sourceOf(env, program)
    .keyBy('k')
    .window(TumblingEventTimeWindows.of(100))
    .sideOutputLateData(LATE)
    .aggregate(SUM, { process: (k, _context, [v = 0], out) => out.collect({ k, v }) });
  results.collectAsync('results');
  results.getSideOutput(LATE).collectAsync('late');
}

function sourceOf(env: StreamExecutionEnvironment, program: Program): DataStream<Row> {
  const strategy = WatermarkStrategy.forBoundedOutOfOrderness<Row>(program.boundMs)
    .withTimestampAssigner((row: Row) => row.t)
    .withEmitStrategy(program.emit);
  const source = rowsOf(program);
  if (program.strategyAtSource) return env.fromSource(source, strategy, 'rows');
  return env
    .fromSource(source, WatermarkStrategy.noWatermarks<Row>(), 'rows')
    .assignTimestampsAndWatermarks(strategy);
}

function rowsOf({ rows, ratePerSecond }: Program): Source<Row, AnySplit> {
  if (ratePerSecond === undefined) return collectionSource(rows) as Source<Row, AnySplit>;
  const generator = (index: number): Row => rows[index] as Row;
  const source = dataGeneratorSource({ generator, count: rows.length, ratePerSecond });
  return source as unknown as Source<Row, AnySplit>;
}

/** Of either source. */
type AnySplit =
  Parameters<StreamExecutionEnvironment['fromSource']>[0] extends Source<unknown, infer S>
    ? S
    : never;

const SUM = {
  createAccumulator: () => 0,
  add: (row: Row, sum: number) => sum + row.v,
  getResult: (sum: number) => sum,
};

function addStep(stream: DataStream<Row>, step: Program['steps'][number]): DataStream<Row> {
  const { own } = step;
  switch (step.kind) {
    case 'map':
      return settle(
        stream.map((row) => mapped(row, step.times, step.plus)),
        own,
      );
    case 'filter':
      return settle(
        stream.filter((row) => keeps(row, step.modulo)),
        own,
      );
    case 'flat-map':
      return settle(
        stream.flatMap((row, out) => {
          const copies = copiesOf(row, step.modulo);
          if (step.asIterable) return copies;
          for (const copy of copies) out.collect(copy);
          return undefined;
        }),
        own,
      );
    case 'partition':
      return partitioned(stream, step.by);
    case 'broadcast':
      return stream
        .broadcast()
        .map((row) => row)
        .setParallelism(step.parallelism);
    case 'union':
      return stream.union(
        settle(
          stream.filter((row) => keeps(row, step.modulo)),
          own,
        ).map((row) => mapped(row, 1, step.plus)),
      );
    case 'side-output':
      return sideOutput(stream, step);
    case 'window':
      return settle(windowed(stream, step), own);
    case 'process':
      return settle(processed(stream, step), own);
    default:
      return step satisfies never;
  }
}

type Settled = ReturnType<DataStream<Row>['map']> & DataStream<Row>;

function settle(stream: Settled, { chaining, parallelism }: OperatorSettings): DataStream<Row> {
  if (chaining === 'off') stream.disableChaining();
  if (parallelism !== null) stream.setParallelism(parallelism);
  return stream;
}

function partitioned(stream: DataStream<Row>, by: PartitionKind): DataStream<Row> {
  switch (by) {
    case 'rebalance':
      return stream.rebalance();
    case 'rescale':
      return stream.rescale();
    case 'shuffle':
      return stream.shuffle();
    case 'global':
      return stream.global();
    case 'custom':
      return stream.partitionCustom((key: number, count) => Math.abs(key) % count, 'k');
    case 'key':
      return stream.keyBy((row) => `key ${row.k}`);
    default:
      return by satisfies never;
  }
}

function sideOutput(
  stream: DataStream<Row>,
  step: Extract<Step, { kind: 'side-output' }> & { own: OperatorSettings },
): DataStream<Row> {
  const tag = new OutputTag<Row>('chosen');
  const main = stream.process<Row>({
    processElement: (row, context, out) => {
      if (keeps(row, step.modulo)) out.collect(row);
      else context.output(tag, row);
    },
  });
  settle(main, step.own);
  return main.union(main.getSideOutput(tag).map((row) => mapped(row, 1, step.plus)));
}

function windowed(stream: DataStream<Row>, step: Extract<Step, { kind: 'window' }>): Settled {
  const { sizeMs, slideMs } = step;
  const assigner =
    sizeMs === slideMs
      ? TumblingEventTimeWindows.of(sizeMs)
      : SlidingEventTimeWindows.of(sizeMs, slideMs);
  return stream
    .keyBy('k')
    .window(assigner)
    .aggregate(SUM, {
      process: (k, context, [v = 0], out) => out.collect(windowRow(k, v, context.window.start)),
    });
}

/** As tumbling windows do, but with timers and keyed state, of one input or of two. */
function processed(stream: DataStream<Row>, step: Extract<Step, { kind: 'process' }>): Settled {
  const { connects, sizeMs } = step;
  const sums = new TimedSums(sizeMs);
  if (connects === null) return stream.keyBy('k').process<Row>(sums.ofOneInput());
  const added = stream.filter((row) => keeps(row, connects));
  const taken = stream.filter((row) => !keeps(row, connects));
  return added.connect(taken).keyBy('k', 'k').process<Row>(sums.ofTwoInputs());
}

/** Counts by key, without what depends on the order. */
function countOf(stream: DataStream<Row>): DataStream<Row> {
  return stream
    .map((row) => ({ id: 0, k: row.k, v: 1, t: 0, x: null }))
    .keyBy('k')
    .sum('v');
}

/** What the program gives, by plain loops. */
export function interpret(program: Program): Row[] {
  let rows: readonly { readonly row: Row; readonly time: number }[] = program.rows.map((row) => ({
    row,
    time: row.t,
  }));
  for (const step of program.steps) {
    if (step.kind === 'window') rows = naiveWindows(rows, step);
    else if (step.kind === 'process') rows = naiveProcess(rows, step);
    else
      rows = rows.flatMap(({ row, time }) => naive(row, step).map((each) => ({ row: each, time })));
  }
  if (!program.counts) return rows.map(({ row }) => row);
  const counts = new Map<number, number>();
  return rows.map(({ row }) => {
    const v = (counts.get(row.k) ?? 0) + 1;
    counts.set(row.k, v);
    return { id: 0, k: row.k, v, t: 0, x: null };
  });
}

function naiveProcess(
  rows: readonly { readonly row: Row; readonly time: number }[],
  { sizeMs, connects }: Extract<Step, { kind: 'process' }>,
): { row: Row; time: number }[] {
  const signed = rows.map(({ row, time }) => ({
    row: connects === null || keeps(row, connects) ? row : { ...row, v: -row.v },
    time,
  }));
  return naiveWindows(signed, { kind: 'window', sizeMs, slideMs: sizeMs });
}

function naive(row: Row, step: Exclude<Step, { kind: 'window' | 'process' }>): Row[] {
  switch (step.kind) {
    case 'map':
      return [mapped(row, step.times, step.plus)];
    case 'filter':
      return keeps(row, step.modulo) ? [row] : [];
    case 'flat-map':
      return copiesOf(row, step.modulo);
    case 'partition':
      return [row];
    case 'broadcast':
      return Array.from({ length: step.parallelism }, () => row);
    case 'union':
      return keeps(row, step.modulo) ? [row, mapped(row, 1, step.plus)] : [row];
    case 'side-output':
      return keeps(row, step.modulo) ? [row] : [mapped(row, 1, step.plus)];
    default:
      return step satisfies never;
  }
}

function naiveWindows(
  rows: readonly { readonly row: Row; readonly time: number }[],
  { sizeMs, slideMs }: Extract<Step, { kind: 'window' }>,
): { row: Row; time: number }[] {
  const windows = new Map<string, { row: Row; time: number }>();
  for (const { row, time } of rows) {
    const last = Math.floor(time / slideMs) * slideMs;
    for (let start = last; start > time - sizeMs; start -= slideMs) {
      const key = `${start} ${row.k}`;
      const v = (windows.get(key)?.row.v ?? 0) + row.v;
      windows.set(key, { row: windowRow(row.k, v, start), time: start + sizeMs - 1 });
    }
  }
  return [...windows.values()];
}

/** Rows as sorted text, to compare multisets. */
export function multiset(rows: readonly unknown[]): string[] {
  return rows.map((row) => JSON.stringify(row, (_, value: unknown) => sorted(value))).sort();
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function mapped(row: Row, times: number, plus: number): Row {
  return { ...row, v: (row.v * times + plus) % 100_003 };
}

function keeps(row: Row, modulo: number): boolean {
  return Math.abs(row.v) % modulo !== 0;
}

function copiesOf(row: Row, modulo: number): Row[] {
  const copies: Row[] = [];
  for (let copy = 0; copy < Math.abs(row.v) % modulo; copy++)
    copies.push({ ...row, v: row.v + copy });
  return copies;
}
