/**
 * A source of made-up records: record n is what the user's function makes of n (Flink's
 * DataGeneratorSource with its rate limiter).
 *
 * Invariants:
 * 1. Subtask i of p takes the indices i, i + p, i + 2p …, so the set of records does not depend on
 *    the parallelism.
 * 2. The rate is the whole job's; each subtask takes its share.
 */
import { MillraceError } from '../../base/errors.ts';
import type { ReaderOutput, Source } from '../../functions/source.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { requireRate } from '../common/rate-limiter.ts';
import { StaticSplitEnumerator } from '../common/static-split-enumerator.ts';
import { type StridedSplit, StridedReader, stridedSplits } from '../common/strided-reader.ts';

/** Options of {@link dataGeneratorSource}. */
export interface DataGeneratorOptions<T> {
  /**
   * Makes the record of an index, from 0. Called again for the same index after a restart: keep it
   * free of other input.
   */
  readonly generator: (index: number) => T;
  /** How many records; without end if left out. */
  readonly count?: number | undefined;
  /** Records per second of the whole job; as fast as it goes if left out. */
  readonly ratePerSecond?: number | undefined;
  /** The records' type; captured from the first ones if left out. */
  readonly type?: TypeInformation<T> | undefined;
}

/**
 * A source that makes its records.
 *
 * @example
 * dataGeneratorSource({ generator: (index) => ({ id: index % 100 }), ratePerSecond: 10_000 })
 */
export function dataGeneratorSource<T>(options: DataGeneratorOptions<T>): Source<T, StridedSplit> {
  const { generator, count, ratePerSecond } = options;
  requireCount(count);
  requireRate('dataGeneratorSource', ratePerSecond);
  const end = count ?? Number.MAX_SAFE_INTEGER;
  const emit = emitterOf(generator);
  return {
    boundedness: count === undefined ? 'continuous-unbounded' : 'bounded',
    producedType: options.type,
    createEnumerator: (context, restored) =>
      new StaticSplitEnumerator(context, restored ?? stridedSplits(end, 1, context.parallelism)),
    createReader: (context) => new StridedReader({ emit, blockSize: 1, ratePerSecond }, context),
  };
}

function emitterOf<T>(
  generator: (index: number) => T,
): (from: number, to: number, output: ReaderOutput<T>) => void {
  return (from, _to, output) => output.collect(generate(generator, from));
}

/** Names the index in an error of the user's function; downstream errors pass by. */
function generate<T>(generator: (index: number) => T, index: number): T {
  try {
    return generator(index);
  } catch (cause) {
    throw new MillraceError(
      'USER_FUNCTION_FAILED',
      `the generator of dataGeneratorSource threw at index ${index}: ${String(cause)}`,
      { cause, details: { index } },
    );
  }
}

function requireCount(count: number | undefined): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= 0)) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `dataGeneratorSource got count ${count}: ` +
      'give a whole number from 0, or leave it out for no end',
  );
}
