/**
 * Drives any source through checkpoints, restores and lost readers, as a job with changing
 * parallelism would: for the tests of connectors.
 *
 * Invariant: what `emitted` holds is what the job's state would: after a restore, only what came
 * before the checkpoint.
 */
import { assert } from '../../../base/assert.ts';
import type { SeededRandom } from '../../../base/seeded-random.ts';
import type { SimulatedEnvironment } from '../../../base/simulated-environment.ts';
import {
  END_OF_INPUT,
  NOTHING_AVAILABLE,
  type Source,
  type SourceReader,
  type SourceSplit,
  type SplitEnumerator,
} from '../../../functions/source.ts';

interface Checkpoint<S> {
  readonly enumerator: readonly S[];
  readonly readers: readonly S[];
  readonly emittedCount: number;
}

interface Running<T, S extends SourceSplit> {
  readonly reader: SourceReader<T, S>;
  hasEnded: boolean;
}

/** See the file's head. */
export class InterruptedRun<T, S extends SourceSplit> {
  /** Records and dead letters. */
  readonly emitted: unknown[] = [];
  readonly #source: Source<T, S>;
  readonly #environment: SimulatedEnvironment;
  readonly #random: SeededRandom;
  #enumerator: SplitEnumerator<S> | undefined;
  #readers: Running<T, S>[] = [];

  constructor(source: Source<T, S>, environment: SimulatedEnvironment, random: SeededRandom) {
    this.#source = source;
    this.#environment = environment;
    this.#random = random;
  }

  /** Begins, or goes on from a checkpoint, with that many readers. */
  async start(parallelism: number, checkpoint?: Checkpoint<S>): Promise<void> {
    await this.close();
    if (checkpoint !== undefined) this.emitted.length = checkpoint.emittedCount;
    const count = Math.min(parallelism, this.#source.parallelismMax ?? parallelism);
    this.#enumerator = this.#source.createEnumerator(
      {
        parallelism: count,
        environment: this.#environment,
        assignSplit: (split, subtask) => this.#at(subtask).reader.addSplits([plain(split)]),
        signalNoMoreSplits: (subtask) => this.#at(subtask).reader.notifyNoMoreSplits(),
      },
      checkpoint?.enumerator,
    );
    await this.#enumerator.start?.();
    for (let subtask = 0; subtask < count; subtask++) {
      const share = checkpoint?.readers.filter((_, index) => index % count === subtask) ?? [];
      this.#open(subtask, count, share);
    }
  }

  /** Polls readers in random order, `polls` times or to the end; true at the end. */
  async poll(polls: number): Promise<boolean> {
    for (let count = 0; count < polls; count++) {
      const running = this.#readers.filter(({ hasEnded }) => !hasEnded);
      if (running.length === 0) return true;
      const { reader } = this.#choose(running);
      const status = reader.pollNext({
        collect: (record) => void this.emitted.push(record),
        output: (_tag, value) => void this.emitted.push(value),
        markIdle: () => undefined,
        markActive: () => undefined,
      });
      this.#at(this.#readers.findIndex((each) => each.reader === reader)).hasEnded =
        status === END_OF_INPUT;
      if (status === NOTHING_AVAILABLE) await this.#passTime();
    }
    return false;
  }

  /** The positions of all, as plain data. */
  checkpoint(): Checkpoint<S> {
    return plain({
      enumerator: this.#enumeratorNow().snapshotState(),
      readers: this.#readers.flatMap(({ reader }) => reader.snapshotState()),
      emittedCount: this.emitted.length,
    });
  }

  /** One reader is lost right after a checkpoint; another takes its place. */
  async replaceReader(): Promise<void> {
    const subtask = this.#random.below(this.#readers.length);
    const { reader } = this.#at(subtask);
    const splits = plain(reader.snapshotState());
    await reader.close();
    this.#enumeratorNow().addSplitsBack(splits, subtask);
    this.#open(subtask, this.#readers.length, []);
  }

  async close(): Promise<void> {
    for (const { reader } of this.#readers) await reader.close();
    await this.#enumerator?.close?.();
    this.#readers = [];
  }

  #open(subtask: number, parallelism: number, restored: readonly S[]): void {
    const reader = this.#source.createReader({
      indexOfSubtask: subtask,
      parallelism,
      environment: this.#environment,
      metricGroup: { counter: () => ({ inc: () => {}, count: 0 }) },
      sendSplitRequest: () => this.#enumeratorNow().handleSplitRequest(subtask),
      hasSideOutput: () => true,
    });
    this.#readers[subtask] = { reader, hasEnded: false };
    if (restored.length > 0) reader.addSplits(restored);
    reader.start?.();
    this.#enumeratorNow().addReader(subtask);
  }

  async #passTime(): Promise<void> {
    await this.#environment.scheduler.yield();
    this.#environment.clock.advanceBy(1);
  }

  #choose<E>(items: readonly E[]): E {
    return items[this.#random.below(items.length)] as E;
  }

  #at(subtask: number): Running<T, S> {
    const running = this.#readers[subtask];
    assert(running !== undefined, () => `there is no subtask ${subtask}`);
    return running;
  }

  #enumeratorNow(): SplitEnumerator<S> {
    assert(this.#enumerator !== undefined, 'start comes first');
    return this.#enumerator;
  }
}

/** What a checkpoint makes of plain data; throws at what is none. */
function plain<V>(value: V): V {
  const copy: V = structuredClone(value);
  const reread: unknown = JSON.parse(JSON.stringify(copy));
  assert(
    JSON.stringify(reread) === JSON.stringify(value),
    () => `this is not plain data: ${JSON.stringify(value)}`,
  );
  return copy;
}
