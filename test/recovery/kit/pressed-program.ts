/**
 * Programs under backpressure: a source at full speed, two exchanges, and a transactional sink that
 * takes a batch and then rests. So the channels are full, and checkpoints find records in flight
 * everywhere.
 */
import {
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type RuntimeContext,
  type Sink,
  type StreamExecutionEnvironment,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../../src/index.ts';
import { transactionalSink, type TransactionalSinkOptions } from '../../../src/testing/index.ts';
import type { Result } from './exactly-once.ts';
import { type Numbered, numbered, numberedSource, type Pace } from './numbered-source.ts';

/** How the streams go. */
export type PressedShape = 'keyed' | 'skewed' | 'both inputs';

/** Options of {@link buildPressedProgram}. */
export interface PressedOptions {
  readonly shape: PressedShape;
  readonly count: number;
  readonly store: TransactionalSinkOptions['store'];
  /** How long the sink rests after each batch now, in ms. */
  readonly restMs: () => number;
  /** Called for every record. */
  readonly onRecord?: ((record: Numbered) => void) | undefined;
  readonly pace?: ((index: number) => Pace) | undefined;
}

/** Nine of ten records have one key, and one reader. */
function skewed({ time }: Numbered): Numbered {
  const others = Math.floor((time + 9) / 10);
  return time % 10 === 0
    ? { key: 1 + ((time / 10) % 39), input: 0, n: Math.floor(time / 390), time }
    : { key: 0, input: 0, n: time - others, time };
}

/** What a program must write. */
export function pressedResults({
  shape,
  count,
}: Pick<PressedOptions, 'shape' | 'count'>): Result[] {
  const results: Result[] = [];
  const paths = shape === 'both inputs' ? ['0', '1'] : ['0'];
  for (let index = 0; index < count; index++) {
    const record = numbered(index, 0);
    const { key, n } = shape === 'skewed' ? skewed(record) : record;
    for (const path of paths) results.push({ key, path, n, count: n + 1 });
  }
  return results;
}

/** Builds a program. */
export function buildPressedProgram(
  env: StreamExecutionEnvironment,
  options: PressedOptions,
): void {
  const { shape, count, pace, onRecord } = options;
  const source = env
    .fromSource(
      numberedSource({ count, perPoll: 256, pace }),
      WatermarkStrategy.forMonotonousTimestamps<Numbered>().withTimestampAssigner(
        ({ time }) => time,
      ),
      'records',
    )
    .uid('records');
  if (shape === 'skewed') source.setParallelism(1);
  const records = source.rescale().map((record) => {
    onRecord?.(record);
    return shape === 'skewed' ? skewed(record) : record;
  });
  if (shape === 'skewed') records.setParallelism(1);
  counted(records.uid('checked'), shape)
    .uid('counted')
    // Keeps the order within a key.
    .partitionCustom(
      (key: number, partitions) => key % partitions,
      ({ key }) => key,
    )
    .map((result) => result)
    .uid('passed')
    .keyBy(({ key }) => key)
    .sinkTo(restingSink(transactionalSink<Result>({ store: options.store }), options.restMs))
    .uid('written');
}

function counted(
  records: DataStream<Numbered>,
  shape: PressedShape,
): ReturnType<DataStream<Result>['filter']> {
  const keyed = records.keyBy(({ key }) => key);
  if (shape !== 'both inputs') return keyed.process<Result>(() => new Counting());
  return keyed.connect(records.keyBy(({ key }) => key)).process<Result>(() => new Counting());
}

/** Counts the records of each key and input. */
class Counting {
  readonly #counts: ValueState<number>[] = [];

  open(context: RuntimeContext): void {
    for (const name of ['count 0', 'count 1']) {
      this.#counts.push(context.getState(new ValueStateDescriptor<number>(name)));
    }
  }

  processElement(record: Numbered, _context: unknown, out: Collector<Result>): void {
    this.#count(record, 0, out);
  }

  processElement1(
    record: Numbered,
    _context: KeyedProcessContext<number>,
    out: Collector<Result>,
  ): void {
    this.#count(record, 0, out);
  }

  processElement2(
    record: Numbered,
    _context: KeyedProcessContext<number>,
    out: Collector<Result>,
  ): void {
    this.#count(record, 1, out);
  }

  #count({ key, n }: Numbered, path: number, out: Collector<Result>): void {
    const state = this.#counts[path] as ValueState<number>;
    const count = (state.value() ?? 0) + 1;
    state.update(count);
    out.collect({ key, path: `${path}`, n, count });
  }
}

function restingSink<C, S>(sink: Sink<Result, C, S>, restMs: () => number): Sink<Result, C, S> {
  type Writer = ReturnType<typeof sink.createWriter>;
  const wrap = (
    writer: Writer,
    { environment: { clock } }: Parameters<typeof sink.createWriter>[0],
  ): Writer => {
    const { write } = writer;
    let hasWritten = false;
    writer.write = (value, context) => {
      hasWritten = true;
      write.call(writer, value, context);
    };
    writer.backpressure = () => {
      if (!hasWritten || restMs() === 0) return undefined;
      hasWritten = false;
      return new Promise<void>((resolve) => void clock.setTimer(restMs(), resolve));
    };
    return writer;
  };
  return {
    ...sink,
    createWriter: (context, attempt) => wrap(sink.createWriter(context, attempt), context),
    restoreWriter: (context, attempt, states) =>
      wrap(
        sink.restoreWriter?.(context, attempt, states) ?? sink.createWriter(context, attempt),
        context,
      ),
  };
}
