/**
 * Every key gets a value, then values are read, changed and written: a count at the front, bytes
 * that nothing compresses behind.
 */
import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  type TypeInformation,
  types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../src/index.ts';
import { type Check, discard } from './discard.ts';
import { JobArguments } from './job-arguments.ts';
import { numberedSource } from './numbered-source.ts';
import { fillBytes, firstWord } from './random-bytes.ts';
import { mix } from './readings.ts';
import { updateKeys } from './update-keys.ts';

/** What an update gives. */
export interface Updated {
  readonly key: number;
  /** How often the key has come. */
  readonly count: number;
}

const updated: TypeInformation<Updated> = types.row({ key: types.int, count: types.int });

/** What must be right about an output. */
export const check: Check<Updated> = {
  number: (r) => r.count,
  hash: (r) => mix(r.key ^ mix(r.count)),
};

export default function updates(env: StreamExecutionEnvironment, texts: readonly string[]): void {
  const args = new JobArguments(texts);
  const keys = args.number('keys', 1_000_000);
  const source = numberedSource<number>({
    maker: updateKeys(keys, args.text('distribution', 'uniform')),
    type: types.int,
    total: args.number('events', Number.POSITIVE_INFINITY),
    perSecond: args.number('rate', 0),
    fill: keys,
  });
  const result = env
    .fromSource(source, WatermarkStrategy.noWatermarks(), 'gen')
    .uid('gen')
    .keyBy((key) => key)
    .process(new Update(args.number('bytes', 100)), updated)
    .uid('update');
  discard(result, args, check);
}

class Update implements KeyedProcessFunction<number, number, Updated> {
  readonly #bytes: number;
  #value!: ValueState<Uint8Array>;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  open(context: RuntimeContext): void {
    this.#value = context.getState(new ValueStateDescriptor('value', types.bytes));
  }

  processElement(
    key: number,
    _context: KeyedProcessContext<number>,
    out: Collector<Updated>,
  ): void {
    const before = this.#value.value();
    const after = new Uint8Array(this.#bytes);
    let count = 1;
    if (before === undefined) {
      fillBytes(after, key);
    } else {
      count = firstWord(before) + 1;
      after.set(before);
    }
    after[0] = count;
    after[1] = count >>> 8;
    after[2] = count >>> 16;
    after[3] = count >>> 24;
    this.#value.update(after);
    out.collect({ key, count });
  }
}
