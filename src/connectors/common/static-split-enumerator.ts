/**
 * An enumerator for sources whose splits are known at once: split i goes to subtask i mod
 * parallelism.
 *
 * Invariants:
 * 1. Every split is handed out once, to the subtask that it was meant for at the start.
 * 2. A reader hears `signalNoMoreSplits` right after its splits, so a reader without any ends.
 */
import type {
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from '../../functions/source.ts';

/** Hands out a fixed list of splits, each subtask its share. */
export class StaticSplitEnumerator<S extends SourceSplit> implements SplitEnumerator<S> {
  readonly #context: SplitEnumeratorContext<S>;
  readonly #pending: S[][] = [];

  constructor(context: SplitEnumeratorContext<S>, splits: readonly S[]) {
    this.#context = context;
    const parallelism = context.parallelism;
    for (let subtask = 0; subtask < parallelism; subtask++) {
      this.#pending.push(splits.filter((_, index) => index % parallelism === subtask));
    }
  }

  /** Gives the reader all of its splits. */
  addReader(subtask: number): void {
    const splits = this.#pending[subtask] ?? [];
    this.#pending[subtask] = [];
    for (const split of splits) this.#context.assignSplit(split, subtask);
    this.#context.signalNoMoreSplits(subtask);
  }

  /** Readers need not ask; one that does is answered like a new one. */
  handleSplitRequest(subtask: number): void {
    this.addReader(subtask);
  }

  /** Keeps the splits until the subtask's next reader comes. */
  addSplitsBack(splits: readonly S[], subtask: number): void {
    this.#pending[subtask] = [...(this.#pending[subtask] ?? []), ...splits];
  }

  snapshotState(): readonly S[] {
    return this.#pending.flat();
  }
}
