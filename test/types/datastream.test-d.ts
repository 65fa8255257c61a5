/**
 * What TypeScript infers in programs, checked by the compiler alone: nothing here runs.
 *
 * Invariant: no lambda behind a typed source is annotated.
 */
import {
  type AggregateFunction,
  type AggregatingState,
  AggregatingStateDescriptor,
  CountEvictor,
  type DataStream,
  DeltaTrigger,
  EventTimeSessionWindows,
  GlobalWindows,
  hours,
  type KeyedConnectedStreams,
  type KeyedStream,
  type ListState,
  ListStateDescriptor,
  type MapState,
  MapStateDescriptor,
  OutputTag,
  type ProcessFunction,
  PurgingTrigger,
  type ReducingState,
  ReducingStateDescriptor,
  type RuntimeContext,
  type Sink,
  type SingleOutputStreamOperator,
  type Source,
  type StreamExecutionEnvironment,
  type TimeWindow,
  TumblingEventTimeWindows,
  type TypeOf,
  types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
  type WindowedStream,
} from '../../src/index.ts';

type Equal<A, B> =
  (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;

/** Compiles only if `stream` is a stream of exactly `T`. */
declare function expectStream<T>(): <S>(
  stream: DataStream<S>,
  ...equal: Equal<S, T> extends true ? [] : [error: never, actual: S]
) => void;
/** Compiles only if the two types are the same. */
declare function expectType<A, B>(...equal: Equal<A, B> extends true ? [] : [error: never]): void;

const flightType = types.row({
  id: types.int,
  origin: types.string,
  delay: types.int,
  distance: types.optional(types.double),
  time: types.timestamp,
});
type Flight = TypeOf<typeof flightType>;

declare const env: StreamExecutionEnvironment;
declare const source: Source<Flight>;
declare const sink: Sink<Flight>;
declare const anySink: Sink<unknown>;

export function sources(): void {
  expectStream<number>()(env.fromData(1, 2, 3));
  expectStream<string>()(env.fromData(['to', 'be']));
  expectStream<{ id: number; tag: string }>()(
    env.fromData({ id: 1, tag: 'a' }, { id: 2, tag: 'b' }),
  );
  expectStream<number>()(env.fromSequence(1, 9));
  expectStream<string>()(env.fromCollection(new Set(['a'])));
  expectStream<number>()(
    env.fromAsyncIterable(async function* () {
      yield 1;
    }),
  );
  expectStream<Flight>()(env.fromSource(source, WatermarkStrategy.noWatermarks(), 'flights'));
}

const flights = env.fromSource(
  source,
  WatermarkStrategy.forBoundedOutOfOrderness(hours(24)).withTimestampAssigner(
    (flight) => flight.time,
  ),
  'flights',
);

export function timestamps(): void {
  expectStream<Flight>()(
    flights.assignTimestampsAndWatermarks(
      WatermarkStrategy.forMonotonousTimestamps().withTimestampAssigner((flight) => flight.time),
    ),
  );
  const byTime = WatermarkStrategy.forMonotonousTimestamps<{ time: number }>();
  expectStream<Flight>()(flights.assignTimestampsAndWatermarks(byTime));
  const byWhen = WatermarkStrategy.forMonotonousTimestamps<{ when: number }>();
  // @ts-expect-error flights have no `when`
  flights.assignTimestampsAndWatermarks(byWhen.withTimestampAssigner((value) => value.when));
}

export function operators(): void {
  expectStream<{ id: number; late: boolean }>()(
    flights.map((flight) => ({ id: flight.id, late: flight.delay > 15 })),
  );
  expectStream<number>()(flights.map({ map: (flight) => flight.delay }));
  expectStream<string>()(flights.flatMap((flight) => flight.origin.split('-')));
  expectStream<string>()(
    flights.flatMap(function* (flight) {
      yield flight.origin;
    }),
  );
  expectStream<string>()(
    flights.flatMap((flight, out) => out.collect(flight.origin), types.string),
  );
  expectStream<Flight>()(flights.filter((flight) => flight.delay > 0));
  expectStream<Flight & { distance: number }>()(
    flights.filter((flight): flight is Flight & { distance: number } => flight.distance !== null),
  );
  expectStream<number>()(
    flights.process(
      {
        processElement(flight, context, out) {
          if (context.timestamp() !== undefined) out.collect(flight.delay);
        },
      },
      types.int,
    ),
  );
  // @ts-expect-error no such field
  flights.map((flight) => flight.delays);
  // @ts-expect-error a predicate gives a boolean
  flights.filter((flight) => flight.delay);
}

export function declaredTypes(): void {
  const ids = flights.map((flight) => ({ id: flight.id }));
  expectStream<{ id: number }>()(ids.returns(types.row({ id: types.int })));
  expectStream<'a' | 'b'>()(flights.map((): 'a' | 'b' => 'a').returns(types.string));
  expectStream<string>()(
    flights.flatMap((flight, out) => out.collect(flight.origin)).returns(types.string),
  );
  // @ts-expect-error the records are no strings
  ids.returns(types.string);
  // @ts-expect-error the records have no name
  ids.returns(types.row({ name: types.string }));
  // settings keep the class
  expectStream<{ id: number }>()(
    ids
      .uid('ids')
      .name('ids')
      .setParallelism(2)
      .disableChaining()
      .filter(() => true),
  );
}

export function keys(): void {
  expectType<KeyedStream<Flight, string>, ReturnType<typeof byOrigin>>();
  const two = flights.keyBy('origin', 'delay').window(TumblingEventTimeWindows.of(1));
  expectType<typeof two, WindowedStream<Flight, [string, number], TimeWindow>>();
  const computed = flights
    .keyBy((flight) => flight.delay > 0)
    .window(TumblingEventTimeWindows.of(1));
  expectType<typeof computed, WindowedStream<Flight, boolean, TimeWindow>>();
  // @ts-expect-error no such field
  flights.keyBy('origins');
  flights.partitionCustom((origin, count) => origin.length % count, 'origin');
  flights.partitionCustom(
    (key: number, count) => key % count,
    (flight) => flight.delay,
  );
  // @ts-expect-error the field holds a string
  flights.partitionCustom((origin: number) => origin, 'origin');
}

function byOrigin(): KeyedStream<Flight, string> {
  return flights.keyBy('origin');
}

export function rolling(): void {
  const keyed = flights.keyBy('origin');
  expectStream<Flight>()(keyed.sum('delay'));
  expectStream<Flight>()(keyed.minBy('time'));
  expectStream<Flight>()(keyed.reduce((a, b) => (a.delay > b.delay ? a : b)));
  expectStream<number>()(
    env
      .fromSequence(1, 9)
      .keyBy((n) => n % 2)
      .max(),
  );
  // @ts-expect-error a string is not summed
  keyed.sum('origin');
  // @ts-expect-error null is not summed
  keyed.sum('distance');
  // @ts-expect-error a record is not summed
  keyed.sum();
  const numbers = env.fromSequence(1, 9).keyBy((n) => n);
  // @ts-expect-error numbers have no fields
  numbers.sum('toFixed');
}

export function windows(): void {
  const windowed = flights.keyBy('origin').window(TumblingEventTimeWindows.of(hours(1)));
  const late = new OutputTag<Flight>('late');
  const means = windowed
    .allowedLateness(hours(1))
    .sideOutputLateData(late)
    .aggregate({
      createAccumulator: () => ({ count: 0, sum: 0 }),
      add: (flight, mean) => ({ count: mean.count + 1, sum: mean.sum + flight.delay }),
      getResult: (mean) => mean.sum / mean.count,
    });
  expectStream<number>()(means);
  expectStream<Flight>()(means.getSideOutput(late));
  expectStream<Flight>()(windowed.maxBy('delay'));

  const result = types.row({ origin: types.string, end: types.timestamp, mean: types.double });
  expectStream<TypeOf<typeof result>>()(
    windowed.aggregate(
      meanDelay,
      {
        process(origin, { window }, means, out) {
          for (const mean of means) out.collect({ origin, end: window.end, mean });
        },
      },
      result,
    ),
  );
  expectStream<string>()(
    windowed.process(
      {
        process(key, context, elements, out) {
          for (const flight of elements) out.collect(`${key} ${flight.id} ${context.window.start}`);
        },
      },
      types.string,
    ),
  );
  // @ts-expect-error the tag is of other records
  windowed.sideOutputLateData(new OutputTag<{ when: Date }>('late'));
}

export function otherWindows(): void {
  const byOrigin = flights.keyBy('origin');
  const sessions = byOrigin.window(
    EventTimeSessionWindows.withDynamicGap((flight) => flight.delay),
  );
  expectStream<number>()(
    sessions.process<number>({ process: (_key, { window }, _, out) => out.collect(window.start) }),
  );
  expectStream<Flight>()(byOrigin.countWindow(10, 2).sum('delay'));
  byOrigin
    .window(GlobalWindows.create())
    .trigger(PurgingTrigger.of(DeltaTrigger.of(5, (a: Flight, b: Flight) => b.delay - a.delay)))
    .evictor(CountEvictor.of(9));
  // @ts-expect-error a global window has no start
  byOrigin.window(GlobalWindows.create()).process({ process: (_k, { window }) => window.start });
  const ofDates = DeltaTrigger.of(1, (a: Date, b: Date) => a.getTime() - b.getTime());
  // @ts-expect-error the trigger is of other records
  byOrigin.window(GlobalWindows.create()).trigger(ofDates);
}

export function joins(): void {
  const pairs = flights
    .keyBy('origin')
    .intervalJoin(flights.map((flight) => flight.id).keyBy((id) => `${id}`))
    .between(0, 1)
    .process<string>({
      processElement: (flight, id, _context, out) => out.collect(flight.origin + id.toFixed()),
    });
  expectStream<string>()(pairs);
  const windowed = flights.join(flights).where('delay').equalTo('id');
  // @ts-expect-error a text is never equal to a number
  flights.join(flights).where('delay').equalTo('origin');
  expectStream<number>()(
    windowed
      .window(TumblingEventTimeWindows.of(hours(1)))
      .apply((left, right) => left.delay + right.delay),
  );
  // @ts-expect-error keys of two kinds never meet
  flights.keyBy('origin').intervalJoin(flights.keyBy('delay'));
}

const meanDelay: AggregateFunction<Flight, number[], number> = {
  createAccumulator: () => [],
  add: (flight, delays) => [...delays, flight.delay],
  getResult: (delays) => delays.reduce((a, b) => a + b, 0) / delays.length,
};

export function ends(): void {
  flights.sinkTo(sink).name('flights').uid('flights');
  flights.sinkTo(anySink);
  // @ts-expect-error the sink takes flights
  flights.map((flight) => flight.id).sinkTo(sink);
  expectType<typeof collected, Promise<Flight[]>>();
}

const collected = flights.executeAndCollect(10);

export async function collect(): Promise<void> {
  for await (const flight of flights.executeAndCollect()) expectType<typeof flight, Flight>();
  await using ids = flights.map((flight) => flight.id).executeAndCollect('ids');
  expectType<typeof ids extends AsyncIterable<infer I> ? I : never, number>();
}

export function unions(): void {
  expectStream<number>()(env.fromData(1).union(env.fromSequence(1, 9), env.fromSequence(1, 9)));
  // @ts-expect-error the streams differ
  env.fromData(1).union(env.fromData('a'));
}

export function keyedFunctions(): void {
  const keyed = flights.keyBy('origin');
  expectStream<string>()(
    keyed.process(
      {
        processElement(flight, context, out) {
          expectType<typeof flight, Flight>();
          context.timerService().registerEventTimeTimer(flight.time);
          out.collect(context.getCurrentKey());
        },
        onTimer(time, context, out) {
          expectType<ReturnType<typeof context.timestamp>, number>();
          out.collect(`${context.getCurrentKey()} ${time} ${context.timeDomain()}`);
        },
      },
      types.string,
    ),
  );
  keyed.process<number>({
    // @ts-expect-error the key is a string
    processElement: (_flight, context, out) => out.collect(context.getCurrentKey()),
  });
}

export function states(store: RuntimeContext): void {
  const count = store.getState(new ValueStateDescriptor('count', types.long));
  expectType<typeof count, ValueState<number>>();
  const seen = store.getMapState(new MapStateDescriptor('seen', types.string, types.boolean));
  expectType<typeof seen, MapState<string, boolean>>();
  const delays = store.getListState(new ListStateDescriptor<number>('delays'));
  expectType<typeof delays, ListState<number>>();
  const largest = store.getReducingState(new ReducingStateDescriptor<number>('most', Math.max));
  expectType<typeof largest, ReducingState<number>>();
  const mean = store.getAggregatingState(new AggregatingStateDescriptor('mean', meanDelay));
  expectType<typeof mean, AggregatingState<Flight, number>>();
  // @ts-expect-error a count is no string
  count.update('1');
}

export function connected(): void {
  const words = env.fromData('to', 'be');
  const both = flights.connect(words);
  expectStream<string>()(both.map({ map1: (flight) => flight.origin, map2: (word) => word }));
  expectStream<string>()(both.flatMap({ flatMap1: () => ['a'], flatMap2: (word) => [word] }));
  expectStream<number>()(
    both.process(
      {
        processElement1: (flight, _context, out) => out.collect(flight.delay),
        processElement2: (word, _context, out) => out.collect(word.length),
      },
      types.int,
    ),
  );
  const keyed = both.keyBy(
    (flight) => flight.origin,
    (word) => word,
  );
  expectType<typeof keyed, KeyedConnectedStreams<Flight, string, string>>();
  const byFields = flights.connect(flights).keyBy('origin', 'origin');
  expectType<typeof byFields, KeyedConnectedStreams<Flight, Flight, string>>();
  const alike = flights.keyBy('origin').connect(words.keyBy((word) => word));
  expectType<typeof alike, KeyedConnectedStreams<Flight, string, string>>();
  expectStream<string>()(
    alike.process(
      {
        processElement1: (_flight, context, out) => out.collect(context.getCurrentKey()),
        processElement2: (_word, context, out) => out.collect(context.getCurrentKey()),
      },
      types.string,
    ),
  );
  // @ts-expect-error no such field
  flights.connect(flights).keyBy('origin', 'origins');
  // @ts-expect-error the second input is missing
  both.map({ map1: (flight) => flight.origin });
}

export function broadcasts(): void {
  const rules = new MapStateDescriptor('rules', types.string, types.double);
  const limits = env.fromData({ origin: 'JFK', limit: 3 }).broadcast(rules);
  expectStream<Flight>()(flights.broadcast());
  expectStream<number>()(
    flights
      .keyBy('origin')
      .connect(limits)
      .process(
        {
          processElement(flight, context, out) {
            const limit = context.getBroadcastState(rules).get(context.getCurrentKey());
            expectType<typeof limit, number | undefined>();
            // @ts-expect-error this side only reads
            context.getBroadcastState(rules).put(flight.origin, 1);
            out.collect(flight.delay);
          },
          processBroadcastElement({ origin, limit }, context) {
            context.getBroadcastState(rules).put(origin, limit);
            context.applyToKeyedState(new ValueStateDescriptor('count', types.long), (key, count) =>
              count.update(key.length),
            );
          },
        },
        types.int,
      ),
  );
  expectStream<string>()(
    flights.connect(limits).process(
      {
        processElement: (flight, _context, out) => out.collect(flight.origin),
        processBroadcastElement: ({ origin }, _context, out) => out.collect(origin),
      },
      types.string,
    ),
  );
}

declare const splitter: ProcessFunction<Flight, number>;
export const processed: SingleOutputStreamOperator<number> = flights.process(splitter);
