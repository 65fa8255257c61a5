/**
 * Functions with keyed state and timers for random programs: sums by key and stretch of time, told
 * by an event-time timer.
 */
import type {
  Collector,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  MapState,
  OnTimerContext,
  RuntimeContext,
} from '../../src/index.ts';
import { MapStateDescriptor } from '../../src/index.ts';
import { type Row, windowRow } from './row.ts';

/** See the file's head; a function of its own for each subtask that opens it. */
export class TimedSums {
  readonly #sizeMs: number;
  readonly #descriptor = new MapStateDescriptor<number, number>('sums');

  constructor(sizeMs: number) {
    this.#sizeMs = sizeMs;
  }

  ofOneInput(): KeyedProcessFunction<number, Row, Row> {
    let sums: MapState<number, number>;
    return {
      open: (context: RuntimeContext) => {
        sums = context.getMapState(this.#descriptor);
      },
      processElement: (row, context) => this.#add(sums, context, row.v),
      onTimer: (time, context, out) => this.#tell(sums, time, context, out),
    };
  }

  ofTwoInputs(): KeyedCoProcessFunction<number, Row, Row, Row> {
    let sums: MapState<number, number>;
    return {
      open: (context: RuntimeContext) => {
        sums = context.getMapState(this.#descriptor);
      },
      processElement1: (row, context) => this.#add(sums, context, row.v),
      processElement2: (row, context) => this.#add(sums, context, -row.v),
      onTimer: (time, context, out) => this.#tell(sums, time, context, out),
    };
  }

  #add(sums: MapState<number, number>, context: KeyedProcessContext<number>, value: number): void {
    const start = Math.floor((context.timestamp() ?? 0) / this.#sizeMs) * this.#sizeMs;
    sums.put(start, (sums.get(start) ?? 0) + value);
    context.timerService().registerEventTimeTimer(start + this.#sizeMs - 1);
  }

  #tell(
    sums: MapState<number, number>,
    time: number,
    context: OnTimerContext<number>,
    out: Collector<Row>,
  ): void {
    const start = time + 1 - this.#sizeMs;
    out.collect(windowRow(context.getCurrentKey(), sums.get(start) ?? 0, start));
    sums.remove(start);
  }
}
