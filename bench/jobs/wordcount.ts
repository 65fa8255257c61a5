/** ('word' + key, 1) keyBy(word), rolling sum: one output a record. */
import {
  type StreamExecutionEnvironment,
  type TypeInformation,
  types,
  WatermarkStrategy,
} from '../../src/index.ts';
import { type Check, discard } from './discard.ts';
import { JobArguments } from './job-arguments.ts';
import { numberedSource } from './numbered-source.ts';
import { keyOf, mix } from './readings.ts';

/** A counted word. */
export interface WordCount {
  readonly word: string;
  readonly count: number;
}

/** The type of a counted word; Flink's job has a Tuple2 of string and long. */
export const wordCount: TypeInformation<WordCount> = types.row({
  word: types.string,
  count: types.long,
});

/** What must be right about an output. */
export const check: Check<WordCount> = {
  number: (r) => r.count,
  hash: (r) => mix(Number(r.word.slice(4)) ^ mix(r.count)),
};

export default function wordcount(env: StreamExecutionEnvironment, texts: readonly string[]): void {
  const args = new JobArguments(texts);
  const keys = args.number('keys', 1_000_000);
  const source = numberedSource<WordCount>({
    maker: (n) => ({ word: 'word' + keyOf(n, keys), count: 1 }),
    type: wordCount,
    total: args.number('events', Number.POSITIVE_INFINITY),
    perSecond: 0,
  });
  const result = env
    .fromSource(source, WatermarkStrategy.noWatermarks(), 'gen')
    .keyBy((r) => r.word)
    .sum('count');
  discard(result, args, check);
}
