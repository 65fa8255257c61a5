/** Functions with state and timers, of one input and of two, for the table of every operator. */
import type { DataStream } from '../../api/datastream/data-stream.ts';
import type { KeyedProcessFunction } from '../../functions/process-functions.ts';
import type { RuntimeContext } from '../../functions/runtime-context.ts';
import {
  type ListState,
  ListStateDescriptor,
  type MapState,
  MapStateDescriptor,
  type ValueState,
  ValueStateDescriptor,
} from '../../functions/state.ts';
import {
  OperatorTestHarness,
  type OperatorTestHarnessOptions,
} from '../harness/operator-test-harness.ts';
import type { Harness, OperatorCase } from './operator-cases.ts';

/** A record of the table's inputs. */
export interface Hit {
  readonly k: string;
  readonly n: number;
}

type Made = Harness;

const LIMIT = new MapStateDescriptor<string, number>('limits');
const TIMER_DELAY_MS = 25;

/** All kinds of state, and timers of both domains. */
class Everything implements KeyedProcessFunction<string, Hit, unknown> {
  #sum!: ValueState<number>;
  #seen!: ListState<number>;
  #counts!: MapState<string, number>;

  open(context: RuntimeContext): void {
    this.#sum = context.getState(new ValueStateDescriptor<number>('sum'));
    this.#seen = context.getListState(new ListStateDescriptor<number>('seen'));
    this.#counts = context.getMapState(new MapStateDescriptor<string, number>('counts'));
  }

  processElement: KeyedProcessFunction<string, Hit, unknown>['processElement'] = (
    { n },
    context,
    out,
  ) => {
    const k = context.getCurrentKey();
    const sum = (this.#sum.value() ?? 0) + n;
    this.#sum.update(sum);
    this.#seen.add(n);
    const parity = n % 2 === 0 ? 'even' : 'odd';
    this.#counts.put(parity, (this.#counts.get(parity) ?? 0) + 1);
    const timers = context.timerService();
    timers.registerEventTimeTimer((context.timestamp() ?? 0) + TIMER_DELAY_MS);
    timers.registerProcessingTimeTimer(timers.currentProcessingTime() + TIMER_DELAY_MS);
    out.collect({ k, sum, seen: [...this.#seen.get()] });
  };

  onTimer: NonNullable<KeyedProcessFunction<string, Hit, unknown>['onTimer']> = (
    timestamp,
    context,
    out,
  ) => {
    const counts = [...this.#counts.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    out.collect({ k: context.getCurrentKey(), timestamp, domain: context.timeDomain(), counts });
    if (context.timeDomain() === 'processing-time') this.#seen.clear();
  };
}

/** Cases of keyed process functions. */
export function keyedProcessCases(acts: OperatorCase['acts']): readonly OperatorCase[] {
  return [
    {
      name: 'states of all kinds and timers of both domains',
      acts: [...acts, { time: 2000 }],
      make: hits((stream) => stream.keyBy('k').process(new Everything())),
    },
  ];
}

/** An operator over {@link Hit}s. */
export function hits<R>(make: (stream: DataStream<Hit>) => DataStream<R>): OperatorCase['make'] {
  return (_written, options) => OperatorTestHarness.of<Hit, R>(make, options) as Made;
}

/** Turns every third record of the acts into one of the second input. */
export function ofTwo(acts: OperatorCase['acts']): OperatorCase['acts'] {
  return acts.map(({ row, ...act }, index) =>
    row !== undefined && index % 3 === 1 ? { ...act, row2: row } : { row, ...act },
  );
}

type Both<R> = (first: DataStream<Hit>, second: DataStream<Hit>) => DataStream<R>;

/** An operator of two inputs over {@link Hit}s. */
export function both<R>(make: Both<R>): OperatorCase['make'] {
  return (_written: unknown[], options: OperatorTestHarnessOptions) =>
    OperatorTestHarness.ofTwoInputs<Hit, Hit, R>(make, options) as Made;
}

/** Cases of two inputs without keys. */
export function coProcessCases(acts: OperatorCase['acts']): readonly OperatorCase[] {
  return [
    {
      name: 'map of two inputs',
      acts: ofTwo(acts),
      make: both((first, second) =>
        first
          .connect(second)
          .map({ map1: ({ k, n }) => ({ k, n }), map2: ({ k, n }) => ({ k, n: -n }) }),
      ),
    },
  ];
}

/** Cases of two inputs that are keyed alike. */
export function keyedCoProcessCases(acts: OperatorCase['acts']): readonly OperatorCase[] {
  return [
    {
      name: 'a sum that the second input takes from',
      acts: ofTwo(acts),
      make: both((first, second) => {
        let sum: ValueState<number>;
        return first
          .connect(second)
          .keyBy('k', 'k')
          .process<unknown>({
            open: (context: RuntimeContext) => {
              sum = context.getState(new ValueStateDescriptor<number>('sum'));
            },
            processElement1: ({ k, n }, context, out) => {
              sum.update((sum.value() ?? 0) + n);
              context.timerService().registerEventTimeTimer((context.timestamp() ?? 0) + n);
              out.collect({ k, sum: sum.value() });
            },
            processElement2: ({ k, n }, _context, out) => {
              sum.update((sum.value() ?? 0) - n);
              out.collect({ k, sum: sum.value() });
            },
            onTimer: (timestamp, context, out) =>
              out.collect({ k: context.getCurrentKey(), timestamp, sum: sum.value() }),
          });
      }),
    },
  ];
}

/** Cases of a stream beside a broadcast one. */
export function broadcastProcessCases(acts: OperatorCase['acts']): readonly OperatorCase[] {
  return [
    {
      name: 'limits that are broadcast',
      acts: ofTwo(acts),
      make: both((first, second) =>
        first.connect(second.broadcast(LIMIT)).process<unknown>({
          processElement: ({ k, n }, context, out) =>
            out.collect({ k, n, limit: context.getBroadcastState(LIMIT).get(k) }),
          processBroadcastElement: ({ k, n }, context) =>
            context.getBroadcastState(LIMIT).put(k, n),
        }),
      ),
    },
  ];
}

/** Cases of a keyed stream beside a broadcast one. */
export function keyedBroadcastProcessCases(acts: OperatorCase['acts']): readonly OperatorCase[] {
  return [
    {
      name: 'a sum that the broadcast side sets back',
      acts: ofTwo(acts),
      make: both((first, second) => {
        const descriptor = new ValueStateDescriptor<number>('sum');
        let sum: ValueState<number>;
        return first
          .keyBy('k')
          .connect(second.broadcast(LIMIT))
          .process<unknown>({
            open: (context: RuntimeContext) => {
              sum = context.getState(descriptor);
            },
            processElement: ({ k, n }, context, out) => {
              sum.update((sum.value() ?? 0) + n);
              context.timerService().registerEventTimeTimer((context.timestamp() ?? 0) + n);
              out.collect({ k, sum: sum.value(), limit: context.getBroadcastState(LIMIT).get(k) });
            },
            processBroadcastElement: ({ k, n }, context) => {
              context.getBroadcastState(LIMIT).put(k, n);
              context.applyToKeyedState(descriptor, (_key, state) =>
                state.update((state.value() ?? 0) % 5),
              );
            },
            onTimer: (timestamp, context, out) =>
              out.collect({ k: context.getCurrentKey(), timestamp, sum: sum.value() }),
          });
      }),
    },
  ];
}
