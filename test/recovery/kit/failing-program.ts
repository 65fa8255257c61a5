/**
 * Programs in which user code throws once at a given point, and what they must write nevertheless.
 *
 * Every shape ends in a transactional sink, which checks the protocol of two-phase commit itself.
 */
import {
  type BroadcastContext,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedStream,
  MapStateDescriptor,
  type OnTimerContext,
  OutputTag,
  type RichFunction,
  type RuntimeContext,
  type Sink,
  type StreamExecutionEnvironment,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../../src/index.ts';
import { transactionalSink, type TransactionalSinkOptions } from '../../../src/testing/index.ts';
import type { Result } from './exactly-once.ts';
import { KEYS, type Numbered, numbered, numberedSource, type Pace } from './numbered-source.ts';

/** How the streams go. */
export const SHAPES = [
  'pipeline',
  'union',
  'keyed exchange',
  'connected',
  'broadcast',
  'side output',
] as const;
/** A shape's name. */
export type Shape = (typeof SHAPES)[number];

/** Where user code throws. */
export const POINTS = [
  'map',
  'process',
  'timer',
  'snapshot',
  'precommit',
  'flush',
  'restore',
  'open',
  'close',
] as const;
/** A point's name. */
export type Point = (typeof POINTS)[number];

/** Tells the program when to fail. Called at each point again and again; throws when it is time. */
export type FailAt = (point: Point) => void;

/** Options of {@link buildFailingProgram}. */
export interface FailingProgramOptions {
  readonly shape: Shape;
  readonly failAt: FailAt;
  /** Records of each input. */
  readonly count: number;
  /** How the sources go on before that record. */
  readonly pace: (index: number) => Pace;
  readonly store: TransactionalSinkOptions['store'];
}

/** Inputs of a shape. */
export function inputsOf(shape: Shape): number {
  return shape === 'union' || shape === 'connected' ? 2 : 1;
}

/** Whether a shape has keyed state and timers. */
export function isKeyed(shape: Shape): boolean {
  return shape !== 'pipeline';
}

/** What a shape must write. */
export function expectedResults(shape: Shape, count: number): Result[] {
  const results: Result[] = [];
  for (let input = 0; input < inputsOf(shape); input++) {
    for (let index = 0; index < count; index++) {
      const { key, n } = numbered(index, input);
      if (!isKeyed(shape)) results.push({ key, path: `${input}`, n, count: 0 });
      else {
        results.push({ key, path: `${input}`, n, count: n + 1 });
        results.push({ key, path: `timer ${input}`, n, count: 0 });
      }
    }
  }
  if (shape !== 'side output') return results;
  return results.map((each) => ({ ...each, path: sidePath(each.path, each.n) }));
}

function sidePath(path: string, n: number): string {
  return path.startsWith('timer') || n % 2 === 0 ? path : `${path} side`;
}

/** Builds a program. */
export function buildFailingProgram(
  env: StreamExecutionEnvironment,
  options: FailingProgramOptions,
): void {
  const { shape } = options;
  const first = input(env, options, 0);
  if (shape === 'pipeline') {
    const mapped = first
      .map(({ key, input: from, n }): Result => ({ key, path: `${from}`, n, count: 0 }))
      .process<Result>(() => new Passing(options.failAt));
    into(mapped, options);
    return;
  }
  if (shape === 'side output') {
    const side = new OutputTag<Result>('odd');
    const counted = byKey(first).process<Result>(() => new Counting(options.failAt, side));
    into(counted.union(counted.getSideOutput(side)), options);
    return;
  }
  into(countedBy(env, first, options), options);
}

function countedBy(
  env: StreamExecutionEnvironment,
  first: DataStream<Numbered>,
  options: FailingProgramOptions,
): DataStream<Result> {
  const { shape, failAt } = options;
  switch (shape) {
    case 'union':
      return byKey(first.union(input(env, options, 1))).process<Result>(() => new Counting(failAt));
    case 'connected':
      return byKey(first)
        .connect(byKey(input(env, options, 1)))
        .process<Result>(() => new Counting(failAt));
    case 'broadcast':
      return byKey(first)
        .connect(env.fromSequence(1, 100).broadcast(RULES))
        .process<Result>(() => new Counting(failAt));
    default:
      return byKey(
        byKey(first)
          .process<Result>(() => new Counting(failAt))
          // Keeps the order within a key, as rebalance would not.
          .partitionCustom(
            (key: number, count) => key % count,
            ({ key }) => key,
          )
          .map((result) => result),
      ).filter(() => true);
  }
}

const RULES = new MapStateDescriptor<number, number>('rules');

function byKey<T extends { readonly key: number }>(stream: DataStream<T>): KeyedStream<T, number> {
  return stream.keyBy(({ key }) => key);
}

function input(
  env: StreamExecutionEnvironment,
  { count, failAt, pace }: FailingProgramOptions,
  index: number,
): DataStream<Numbered> {
  return env
    .fromSource(
      numberedSource({ count, input: index, pace }),
      WatermarkStrategy.forMonotonousTimestamps<Numbered>().withTimestampAssigner(
        ({ time }) => time,
      ),
      `records ${index}`,
    )
    .map((record) => {
      failAt('map');
      return record;
    });
}

function into(results: DataStream<Result>, { store, failAt }: FailingProgramOptions): void {
  results.sinkTo(failingSink(transactionalSink<Result>({ store }), failAt));
}

/** A sink whose writers fail at `flush` and `precommit`, before the real one is asked. */
function failingSink<C, S>(sink: Sink<Result, C, S>, failAt: FailAt): Sink<Result, C, S> {
  const wrap = (writer: ReturnType<typeof sink.createWriter>): typeof writer => {
    const { flush, prepareCommit } = writer;
    writer.flush = (endOfInput) => {
      failAt('flush');
      return flush.call(writer, endOfInput);
    };
    writer.prepareCommit = () => {
      failAt('precommit');
      return prepareCommit?.call(writer) ?? [];
    };
    return writer;
  };
  return {
    ...sink,
    createWriter: (context, attempt) => wrap(sink.createWriter(context, attempt)),
    restoreWriter: (context, attempt, states) =>
      wrap(sink.restoreWriter?.(context, attempt, states) ?? sink.createWriter(context, attempt)),
  };
}

/** Fails where functions have a life. */
abstract class Living implements RichFunction {
  protected readonly failAt: FailAt;
  #isRestored = false;

  constructor(failAt: FailAt) {
    this.failAt = failAt;
  }

  initializeState(context: { isRestored(): boolean }): void {
    this.#isRestored = context.isRestored();
  }

  open(_context: RuntimeContext): void {
    this.failAt('open');
    if (this.#isRestored) this.failAt('restore');
  }

  snapshotState(): void {
    this.failAt('snapshot');
  }

  close(): void {
    this.failAt('close');
  }
}

class Passing extends Living {
  processElement(result: Result, _context: unknown, out: Collector<Result>): void {
    this.failAt('process');
    out.collect(result);
  }
}

/** Counts each input's records per key in state, and sets a timer for each. */
class Counting extends Living {
  readonly #side: OutputTag<Result> | undefined;
  readonly #counts: ValueState<number>[] = [];

  constructor(failAt: FailAt, side?: OutputTag<Result>) {
    super(failAt);
    this.#side = side;
  }

  override open(context: RuntimeContext): void {
    super.open(context);
    for (const name of ['count 0', 'count 1']) {
      this.#counts.push(context.getState(new ValueStateDescriptor<number>(name)));
    }
  }

  processElement(
    record: Numbered,
    context: KeyedProcessContext<number>,
    out: Collector<Result>,
  ): void {
    this.failAt('process');
    const { key, input: from, n, time } = record;
    const state = this.#counts[from] as ValueState<number>;
    const count = (state.value() ?? 0) + 1;
    state.update(count);
    // Two inputs share the key's timers: each has its own times.
    context.timerService().registerEventTimeTimer(2 * time + from);
    const path = this.#side === undefined ? `${from}` : sidePath(`${from}`, n);
    const result = { key, path, n, count };
    if (this.#side !== undefined && path.endsWith('side')) context.output(this.#side, result);
    else out.collect(result);
  }

  processElement1(
    record: Numbered,
    context: KeyedProcessContext<number>,
    out: Collector<Result>,
  ): void {
    this.processElement(record, context, out);
  }

  processElement2(
    record: Numbered,
    context: KeyedProcessContext<number>,
    out: Collector<Result>,
  ): void {
    this.processElement(record, context, out);
  }

  processBroadcastElement(rule: number, context: BroadcastContext): void {
    context.getBroadcastState(RULES).put(rule, rule);
  }

  onTimer(timestamp: number, context: OnTimerContext<number>, out: Collector<Result>): void {
    this.failAt('timer');
    const time = Math.floor(timestamp / 2);
    const n = Math.floor(time / KEYS);
    const path = `timer ${timestamp % 2}`;
    out.collect({ key: context.getCurrentKey(), path, n, count: 0 });
  }
}
