/**
 * What TypeScript infers in programs, checked by the compiler alone: nothing here runs.
 *
 * Invariant: no lambda behind a typed source is annotated.
 */
import {
  type AggregateFunction,
  type DataStream,
  hours,
  type KeyedStream,
  OutputTag,
  type ProcessFunction,
  type Sink,
  type SingleOutputStreamOperator,
  type Source,
  type StreamExecutionEnvironment,
  type TimeWindow,
  TumblingEventTimeWindows,
  type TypeOf,
  types,
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

declare const splitter: ProcessFunction<Flight, number>;
export const processed: SingleOutputStreamOperator<number> = flights.process(splitter);
