/**
 * One value of random bytes per key: every key once at full speed, then new values at a rate; the
 * twin of the Flink harness's `state` mode. Fails once when asked to, and leaves a note of the
 * first record of every attempt (`attempt-notes.ts`).
 */
import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../src/index.ts';
import { AttemptNotes } from './attempt-notes.ts';
import { type Check, discard } from './discard.ts';
import { JobArguments } from './job-arguments.ts';
import { numberedSource } from './numbered-source.ts';
import { fillBytes, firstWord } from './random-bytes.ts';
import { mix } from './readings.ts';

/**
 * What a record gives: its number, and the front of the value that its key had before; 0 if none.
 */
interface Stored {
  readonly n: number;
  readonly before: number;
}

/** What must be right about an output. */
export const check: Check<Stored> = {
  number: (r) => r.n,
  hash: (r) => mix(r.n ^ mix(r.before)),
};

export default function state(env: StreamExecutionEnvironment, texts: readonly string[]): void {
  const args = new JobArguments(texts);
  const keys = args.number('keys', 1_000_000);
  const source = numberedSource<number>({
    maker: (n) => n,
    type: types.long,
    total: args.number('events', Number.POSITIVE_INFINITY),
    perSecond: args.number('rate', 20_000),
    fill: keys,
  });
  const result = env
    .fromSource(source, WatermarkStrategy.noWatermarks(), 'gen')
    .uid('gen')
    .keyBy((n) => n % keys)
    .process(
      new Store(args.number('bytes', 128), args.text('notes', '')),
      types.row({ n: types.long, before: types.int }),
    )
    .uid('store');
  discard(result, args, check);
}

class Store implements KeyedProcessFunction<number, number, Stored> {
  readonly #bytes: number;
  readonly #folder: string;
  #value!: ValueState<Uint8Array>;
  #notes: AttemptNotes | undefined;

  constructor(bytes: number, folder: string) {
    this.#bytes = bytes;
    this.#folder = folder;
  }

  open(context: RuntimeContext): void {
    this.#value = context.getState(new ValueStateDescriptor('value', types.bytes));
    if (this.#folder !== '') this.#notes = new AttemptNotes(this.#folder);
  }

  processElement(n: number, _context: KeyedProcessContext<number>, out: Collector<Stored>): void {
    this.#notes?.failIfAsked();
    const before = this.#value.value();
    const after = new Uint8Array(this.#bytes);
    fillBytes(after, n | 0);
    this.#value.update(after);
    this.#notes?.processed();
    out.collect({ n, before: before === undefined ? 0 : firstWord(before) });
  }
}
