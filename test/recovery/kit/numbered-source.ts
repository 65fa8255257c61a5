/**
 * The records of these tests: key and number within the key, from a source that can stand still
 * until a failure has happened, so that no test depends on how fast a machine is.
 */
import {
  END_OF_INPUT,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type Source,
  type SourceReader,
  type SourceSplit,
} from '../../../src/index.ts';

/** A record. `n` counts within the key of one input; `time` rises over the whole input. */
export interface Numbered {
  readonly key: number;
  readonly input: number;
  readonly n: number;
  readonly time: number;
}

/**
 * Keys; a multiple of every parallelism in the tests, so that each key has one reader and so one
 * order.
 */
export const KEYS = 40;

/** Record `index` of an input. */
export function numbered(index: number, input: number): Numbered {
  return { key: index % KEYS, input, n: Math.floor(index / KEYS), time: index };
}

/**
 * How a source goes on: at full speed, a record every {@link PAUSE_MS} per reader, or not at all
 * for now.
 */
export type Pace = 'fast' | 'slow' | 'held';

/** Options of {@link numberedSource}. */
export interface NumberedSourceOptions {
  readonly count: number;
  readonly input?: number | undefined;
  /** Pieces that the input is cut into; as many as there are readers if left out. */
  readonly splits?: number | undefined;
  /** Records per poll (16). */
  readonly perPoll?: number | undefined;
  /** Asked before every record, by its index. */
  readonly pace?: ((index: number) => Pace) | undefined;
}

interface NumberedSplit extends SourceSplit {
  readonly next: number;
  readonly stride: number;
}

/** Between two records of a slow reader, and two looks of one that stands still. */
const PAUSE_MS = 2;

/** See the file's head. */
export function numberedSource(options: NumberedSourceOptions): Source<Numbered, NumberedSplit> {
  const { count, input = 0, perPoll = 16, pace = () => 'fast' } = options;
  return {
    boundedness: 'bounded',
    createEnumerator: (context, restored) => {
      let left: readonly NumberedSplit[] =
        restored ??
        Array.from({ length: options.splits ?? context.parallelism }, (_, next) => ({
          splitId: `${next}`,
          next,
          stride: options.splits ?? context.parallelism,
        }));
      return {
        addReader: (subtask) => {
          const isOurs = ({ splitId }: NumberedSplit): boolean =>
            Number(splitId) % context.parallelism === subtask;
          for (const split of left.filter(isOurs)) context.assignSplit(split, subtask);
          left = left.filter((split) => !isOurs(split));
          context.signalNoMoreSplits(subtask);
        },
        handleSplitRequest: () => {},
        addSplitsBack: () => {},
        snapshotState: () => left,
      };
    },
    createReader: ({ environment: { clock } }): SourceReader<Numbered, NumberedSplit> => {
      let splits: NumberedSplit[] = [];
      let hasAll = false;
      let retryMs = Number.POSITIVE_INFINITY;
      let notBeforeMs = 0;
      return {
        pollNext: (output) => {
          retryMs = clock.monotonicMs() + PAUSE_MS;
          for (let polled = 0; polled < perPoll; polled++) {
            const split = splits[0];
            if (split === undefined) return hasAll ? END_OF_INPUT : NOTHING_AVAILABLE;
            const paceNow = pace(split.next);
            const isLate = clock.monotonicMs() < notBeforeMs;
            if (paceNow === 'held' || (paceNow === 'slow' && isLate)) {
              return NOTHING_AVAILABLE;
            }
            if (paceNow === 'slow') notBeforeMs = clock.monotonicMs() + PAUSE_MS;
            output.collect(numbered(split.next, input));
            const moved = { ...split, next: split.next + split.stride };
            splits = splits.slice(1);
            if (moved.next < count) splits.push(moved);
            splits.sort((a, b) => a.next - b.next);
          }
          return MORE_AVAILABLE;
        },
        // Never asked: there is always a next time to look.
        isAvailable: () => Promise.resolve(),
        nextPollMs: () => retryMs,
        addSplits: (more) => {
          splits = [...splits, ...more.filter(({ next }) => next < count)];
          splits.sort((a, b) => a.next - b.next);
        },
        notifyNoMoreSplits: () => {
          hasAll = true;
        },
        snapshotState: () => splits,
        close: () => {},
      };
    },
  };
}
