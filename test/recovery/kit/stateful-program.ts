/**
 * A program with every kind of state: keyed state of all types, timers, windows, a reduce, operator state (list and union),
 * broadcast state, a source's positions, a sink's transactions. For savepoints: what it writes does not depend on the parallelism.
 *
 * The golden savepoints are of this program (`test/golden`): its uids, states and types stay as they are.
 */
import {
  AggregatingStateDescriptor,
  type BroadcastContext,
  type Collector,
  type DataStream,
  type FunctionInitializationContext,
  type KeyedProcessContext,
  type KeyedReadOnlyBroadcastContext,
  type ListState,
  ListStateDescriptor,
  MapStateDescriptor,
  type OnTimerContext,
  ReducingStateDescriptor,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../../src/index.ts';
import { transactionalSink, type TransactionalSinkOptions } from '../../../src/testing/index.ts';
import type { Result } from './exactly-once.ts';
import { KEYS, type Numbered, numbered, numberedSource, type Pace } from './numbered-source.ts';

/** Parts that can be left out or put in, to change the program. */
export type StatefulPart = 'reduced' | 'windows' | 'states' | 'buffered' | 'rules';

const ALL_PARTS: readonly StatefulPart[] = ['reduced', 'windows', 'states', 'buffered', 'rules'];

/** Options of {@link buildStatefulProgram}. */
export interface StatefulOptions {
  readonly count: number;
  readonly store: TransactionalSinkOptions['store'];
  readonly pace?: ((index: number) => Pace) | undefined;
  readonly parts?: readonly StatefulPart[] | undefined;
  /** Called for every record, at the head of the program. */
  readonly onRecord?: ((record: Numbered) => void) | undefined;
}

/** Records of the source are read in so many pieces; a divisor of the number of keys, so that a key's records have one order. */
const SPLITS = 8;
/** Size of the windows in records' times. */
export const WINDOW = 400;
/** How long after its record a timer fires. */
const TIMER_DELAY = 1000;
const RULES = 10;

/** What it must write if it reads `count` records to their end. One record per subtask stays in the buffer: see {@link Buffering}. */
export function statefulResults(
  count: number,
  parts: readonly StatefulPart[] = ALL_PARTS,
): Result[] {
  const results: Result[] = [];
  const windows = new Map<string, Result>();
  for (let index = 0; index < count; index++) {
    const { key, n, time } = numbered(index, 0);
    results.push({ key, path: 'reduced', n, count: n + 1 });
    results.push({ key, path: 'states', n, count: n + 1 });
    results.push({ key, path: 'timer', n, count: 0 });
    results.push({ key, path: 'rules', n, count: 0 });
    results.push({ key, path: 'buffered', n, count: 0 });
    const window = Math.floor(time / WINDOW);
    const name = `${key} ${window}`;
    const sum = (windows.get(name)?.count ?? 0) + 1;
    windows.set(name, { key, path: 'windows', n: window, count: sum });
  }
  results.push(...windows.values());
  return results.filter(({ path }) =>
    parts.includes(path === 'timer' ? 'states' : (path as StatefulPart)),
  );
}

/** Builds the program. */
export function buildStatefulProgram(
  env: StreamExecutionEnvironment,
  options: StatefulOptions,
): void {
  const { count, pace, parts = ALL_PARTS, onRecord } = options;
  const records = env
    .fromSource(
      numberedSource({ count, splits: SPLITS, pace }),
      WatermarkStrategy.forMonotonousTimestamps<Numbered>().withTimestampAssigner(
        ({ time }) => time,
      ),
      'records',
    )
    .uid('records')
    .map((record) => {
      onRecord?.(record);
      return record;
    })
    .uid('seen');
  const results = parts.map((part) => PARTS[part](env, records));
  const [first, ...others] = results as [DataStream<Result>, ...DataStream<Result>[]];
  first
    .union(...others)
    .keyBy(({ key }) => key)
    .sinkTo(transactionalSink<Result>({ store: options.store }))
    .uid('written');
}

type BuildPart = (
  env: StreamExecutionEnvironment,
  records: DataStream<Numbered>,
) => DataStream<Result>;

const PARTS: Readonly<Record<StatefulPart, BuildPart>> = {
  reduced: (_env, records) =>
    records
      .map(({ key, n }): Result => ({ key, path: 'reduced', n, count: 1 }))
      .uid('to reduce')
      .keyBy(({ key }) => key)
      .reduce((a, b) => ({ key: a.key, path: a.path, n: b.n, count: a.count + 1 }))
      .uid('reduced'),
  windows: (_env, records) =>
    records
      .map(({ key, time }) => ({
        key,
        path: 'windows',
        n: Math.floor(time / WINDOW),
        count: 1,
      }))
      .uid('to windows')
      .keyBy(({ key }) => key)
      .window(TumblingEventTimeWindows.of(WINDOW))
      .sum('count')
      .uid('windows'),
  states: (_env, records) =>
    records
      .keyBy(({ key }) => key)
      .process<Result>(() => new AllStates())
      .uid('states'),
  buffered: (_env, records) => records.process<Result>(() => new Buffering()).uid('buffered'),
  rules: (env, records) =>
    records
      .keyBy(({ key }) => key)
      .connect(
        env
          .fromSequence(1, RULES)
          .uid('rules source')
          .broadcast(new MapStateDescriptor<number, number>('rules')),
      )
      .process<Result>(() => new Ruled())
      .uid('rules'),
};

/** Counts in every type of keyed state, which must agree, and sets a timer per record. */
class AllStates {
  #value = unset<ReturnType<RuntimeContext['getState']>>();
  #list = unset<ReturnType<RuntimeContext['getListState']>>();
  #map = unset<ReturnType<RuntimeContext['getMapState']>>();
  #reducing = unset<ReturnType<RuntimeContext['getReducingState']>>();
  #aggregating = unset<ReturnType<RuntimeContext['getAggregatingState']>>();

  open(context: RuntimeContext): void {
    this.#value = context.getState(new ValueStateDescriptor<unknown>('value'));
    this.#list = context.getListState(new ListStateDescriptor<unknown>('list'));
    this.#map = context.getMapState(new MapStateDescriptor<unknown, unknown>('map'));
    this.#reducing = context.getReducingState(
      new ReducingStateDescriptor<unknown>('reducing', (a, b) => Number(a) + Number(b)),
    );
    this.#aggregating = context.getAggregatingState(
      new AggregatingStateDescriptor<unknown, { count: number }, unknown>('aggregating', {
        createAccumulator: () => ({ count: 0 }),
        add: (_value, accumulator) => ({ count: accumulator.count + 1 }),
        getResult: ({ count }) => count,
      }),
    );
  }

  processElement(
    { key, n, time }: Numbered,
    context: KeyedProcessContext<number>,
    out: Collector<Result>,
  ): void {
    const count = Number(this.#value.value() ?? 0) + 1;
    this.#value.update(count);
    this.#list.add(n);
    this.#map.put(n % 3, Number(this.#map.get(n % 3) ?? 0) + 1);
    this.#reducing.add(1);
    this.#aggregating.add(n);
    const listed = [...this.#list.get()];
    const inOrder = listed.every((each, at) => each === at);
    const mapped = [...this.#map.values()].reduce((sum: number, each) => sum + Number(each), 0);
    const counts = [listed.length, mapped, this.#reducing.get(), this.#aggregating.get()];
    const agree = inOrder && counts.every((each) => each === count);
    context.timerService().registerEventTimeTimer(time + TIMER_DELAY);
    out.collect({ key, path: 'states', n, count: agree ? count : -1 });
  }

  onTimer(timestamp: number, context: OnTimerContext<number>, out: Collector<Result>): void {
    const n = Math.floor((timestamp - TIMER_DELAY) / KEYS);
    out.collect({ key: context.getCurrentKey(), path: 'timer', n, count: 0 });
  }
}

/** Only before `open`. */
function unset<T>(): T {
  return undefined as T;
}

/** Gives each record when the next one comes: what it holds back is operator state, and goes to whichever subtask there is. */
class Buffering {
  #buffer: Result[] = [];
  #held: ListState<Result> | undefined;
  #everywhere: ListState<number> | undefined;
  #seen = 0;

  initializeState(context: FunctionInitializationContext): void {
    const store = context.getOperatorStateStore();
    this.#held = store.getListState(new ListStateDescriptor<Result>('held'));
    this.#everywhere = store.getUnionListState(new ListStateDescriptor<number>('seen'));
    this.#buffer = [...this.#held.get()];
    const seen = [...this.#everywhere.get()];
    if (this.#buffer.length > 0 && seen.length === 0) throw new Error('union state is lost');
  }

  processElement({ key, n }: Numbered, _context: unknown, out: Collector<Result>): void {
    this.#seen++;
    for (const result of this.#buffer) out.collect(result);
    this.#buffer = [{ key, path: 'buffered', n, count: 0 }];
  }

  snapshotState(): void {
    this.#held?.update(this.#buffer);
    this.#everywhere?.update([this.#seen]);
  }
}

const RULES_STATE = new MapStateDescriptor<number, number>('rules');

/** Knows after a restore what was broadcast before it. */
class Ruled {
  #isRestored = false;

  initializeState(context: FunctionInitializationContext): void {
    this.#isRestored = context.isRestored();
  }

  processElement(
    { key, n }: Numbered,
    context: KeyedReadOnlyBroadcastContext<number>,
    out: Collector<Result>,
  ): void {
    const rules = [...context.getBroadcastState(RULES_STATE).immutableEntries()].length;
    const isLost = this.#isRestored && rules < RULES;
    out.collect({ key, path: 'rules', n, count: isLost ? -1 : 0 });
  }

  processBroadcastElement(rule: number, context: BroadcastContext): void {
    context.getBroadcastState(RULES_STATE).put(rule, rule);
  }
}
