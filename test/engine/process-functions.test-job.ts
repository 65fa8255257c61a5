/** Programs with process functions, state and timers; the first argument names one. */
import {
  type Collector,
  type KeyedBroadcastContext,
  type KeyedBroadcastProcessFunction,
  type KeyedCoProcessFunction,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type KeyedReadOnlyBroadcastContext,
  MapStateDescriptor,
  type OnTimerContext,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../src/index.ts';

/** A reading of one of a few sensors. */
export interface Reading {
  readonly sensor: string;
  readonly time: number;
  readonly value: number;
}

export const SENSORS = 7;
export const READINGS = 2100;

/** The n-th reading. */
export function reading(n: number): Reading {
  return { sensor: `s${n % SENSORS}`, time: n * 10, value: n };
}

const byTime = WatermarkStrategy.forMonotonousTimestamps<Reading>()
  .withTimestampAssigner((each: Reading) => each.time)
  .withEmitStrategy('on-event');

/** Emits per sensor and tick of 5000 ms of event time the sum. */
class SumPerTick implements KeyedProcessFunction<string, Reading, string> {
  /** Sums by tick: records of the next tick come before the timer of this one. */
  #sums: ValueState<readonly (readonly [number, number])[]> | undefined;

  open(context: RuntimeContext): void {
    this.#sums = context.getState(new ValueStateDescriptor('sums'));
  }

  processElement({ time, value }: Reading, context: KeyedProcessContext<string>): void {
    const tick = Math.floor(time / 5000) * 5000 + 4999;
    const sums = new Map(this.#sums?.value());
    this.#sums?.update([...sums.set(tick, (sums.get(tick) ?? 0) + value)]);
    context.timerService().registerEventTimeTimer(tick);
  }

  onTimer(time: number, context: OnTimerContext<string>, out: Collector<string>): void {
    const sums = new Map(this.#sums?.value());
    out.collect(`${context.getCurrentKey()} ${time} ${sums.get(time)}`);
    sums.delete(time);
    this.#sums?.update([...sums]);
  }
}

/** Pairs the n-th of one side with the n-th of the other. */
class Pairing implements KeyedCoProcessFunction<number, number, string, string> {
  #left: ValueState<number> | undefined;
  #right: ValueState<string> | undefined;

  open(context: RuntimeContext): void {
    this.#left = context.getState(new ValueStateDescriptor('left', types.long));
    this.#right = context.getState(new ValueStateDescriptor('right', types.string));
  }

  processElement1(n: number, _context: KeyedProcessContext<number>, out: Collector<string>): void {
    this.#left?.update(n);
    this.#emit(out);
  }

  processElement2(s: string, _context: KeyedProcessContext<number>, out: Collector<string>): void {
    this.#right?.update(s);
    this.#emit(out);
  }

  #emit(out: Collector<string>): void {
    const left = this.#left?.value();
    const right = this.#right?.value();
    if (left !== undefined && right !== undefined) out.collect(`${left} ${right}`);
  }
}

const factors = new MapStateDescriptor('factors', types.string, types.long);
type Factor = readonly [string, number];

/** Multiplies by the factor of the sensor; what comes before the factors waits in state. */
class Multiply implements KeyedBroadcastProcessFunction<string, Reading, Factor, number> {
  readonly #waiting = new ValueStateDescriptor<number[]>('waiting');
  #state: ValueState<number[]> | undefined;

  open(context: RuntimeContext): void {
    this.#state = context.getState(this.#waiting);
  }

  processElement(
    { sensor, value }: Reading,
    context: KeyedReadOnlyBroadcastContext<string>,
    out: Collector<number>,
  ): void {
    const factor = context.getBroadcastState(factors).get(sensor);
    if (factor !== undefined) out.collect(value * factor);
    else this.#state?.update([...(this.#state.value() ?? []), value]);
  }

  processBroadcastElement(
    [sensor, factor]: Factor,
    context: KeyedBroadcastContext<string>,
    out: Collector<number>,
  ): void {
    context.getBroadcastState(factors).put(sensor, factor);
    context.applyToKeyedState(this.#waiting, (key, waiting) => {
      if (key !== sensor) return;
      for (const value of waiting.value() ?? []) out.collect(value * factor);
      waiting.clear();
    });
  }
}

/** Builds the program of that name. */
export function main(env: StreamExecutionEnvironment, [name = '']: readonly string[]): void {
  const readings = env
    .fromSequence(0, READINGS - 1)
    .setParallelism(1)
    .map(reading)
    .setParallelism(1)
    .assignTimestampsAndWatermarks(byTime)
    .setParallelism(1);
  switch (name) {
    case 'timers':
      readings.keyBy('sensor').process(new SumPerTick(), types.string).collectAsync('all');
      return;
    case 'supplied':
      readings
        .keyBy('sensor')
        .process(() => new SumPerTick(), types.string)
        .collectAsync('all');
      return;
    case 'connected': {
      const left = env.fromSequence(0, 999).keyBy((n) => n);
      const right = env
        .fromSequence(0, 999)
        .map((n) => `#${n}`)
        .keyBy((s) => Number(s.slice(1)));
      left.connect(right).process(new Pairing(), types.string).collectAsync('all');
      return;
    }
    case 'broadcast': {
      const rules = env.fromSequence(0, SENSORS - 1).map((n): Factor => [`s${n}`, n]);
      readings
        .keyBy('sensor')
        .connect(rules.broadcast(factors))
        .process(new Multiply(), types.long)
        .collectAsync('all');
      return;
    }
    default:
      throw new Error(`there is no program '${name}'`);
  }
}

export default main;
