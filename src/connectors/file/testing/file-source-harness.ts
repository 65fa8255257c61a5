/**
 * Drives a file source the way a runtime does, for tests: enumerator, readers, splits on request.
 */
import type { Environment, FileSystem } from '../../../base/environment.ts';
import { DEAD_LETTERS, type DeadLetter } from '../../../functions/dead-letter.ts';
import type { OutputTag } from '../../../functions/output-tag.ts';
import {
  END_OF_INPUT,
  NOTHING_AVAILABLE,
  type ReaderOutput,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SplitEnumerator,
  type SplitEnumeratorContext,
} from '../../../functions/source.ts';
import type { FileSplit } from '../file-split.ts';

/** What a run has put out, in order. */
export interface Collected<T> {
  readonly records: T[];
  readonly deadLetters: DeadLetter[];
}

/** How a source is driven. */
export interface HarnessOptions {
  readonly environment: Environment;
  readonly parallelism?: number | undefined;
  readonly hasDeadLetterReader?: boolean | undefined;
  /** Splits in place of those that the enumerator would find. */
  readonly restored?: readonly FileSplit[] | undefined;
  /** Called after every record and dead letter; an error ends the run. */
  readonly onEmit?: ((reader: SourceReader<unknown, FileSplit>) => void) | undefined;
}

/** Reads a source to its end with `parallelism` readers in turn. */
export async function readAll<T>(
  source: Source<T, FileSplit>,
  options: HarnessOptions,
): Promise<Collected<T>> {
  const run = new HarnessRun(source, options);
  await run.start();
  await run.readToEnd();
  return run.collected;
}

/** An environment with that file system; clock and random are the given environment's. */
export function environmentWith(environment: Environment, fileSystem: FileSystem): Environment {
  return { ...environment, fileSystem };
}

class HarnessRun<T> {
  readonly collected: Collected<T> = { records: [], deadLetters: [] };
  readonly #options: HarnessOptions;
  readonly #enumerator: SplitEnumerator<FileSplit>;
  readonly #readers: SourceReader<T, FileSplit>[] = [];

  constructor(source: Source<T, FileSplit>, options: HarnessOptions) {
    this.#options = options;
    const parallelism = options.parallelism ?? 1;
    const context: SplitEnumeratorContext<FileSplit> = {
      parallelism,
      environment: options.environment,
      assignSplit: (split, subtask) => this.#readers[subtask]?.addSplits([split]),
      signalNoMoreSplits: (subtask) => this.#readers[subtask]?.notifyNoMoreSplits(),
    };
    this.#enumerator = source.createEnumerator(context, options.restored);
    for (let subtask = 0; subtask < parallelism; subtask++) {
      this.#readers.push(source.createReader(this.#readerContext(subtask, parallelism)));
    }
  }

  async start(): Promise<void> {
    await this.#enumerator.start?.();
    for (const [subtask, reader] of this.#readers.entries()) {
      this.#enumerator.addReader(subtask);
      reader.start?.();
    }
  }

  async readToEnd(): Promise<void> {
    const running = new Set(this.#readers);
    try {
      while (running.size > 0) {
        for (const reader of running) {
          const status = reader.pollNext(this.#output(reader));
          if (status === END_OF_INPUT) running.delete(reader);
          else if (status === NOTHING_AVAILABLE) await reader.isAvailable();
        }
      }
    } finally {
      for (const reader of this.#readers) await reader.close();
    }
  }

  #output(reader: SourceReader<T, FileSplit>): ReaderOutput<T> {
    return {
      collect: (record) => {
        this.collected.records.push(record);
        this.#options.onEmit?.(reader);
      },
      output: <V>(tag: OutputTag<V>, value: V) => {
        if (tag.id !== DEAD_LETTERS.id) throw new Error(`unexpected side output ${tag.id}`);
        this.collected.deadLetters.push(value as DeadLetter);
        this.#options.onEmit?.(reader);
      },
      markIdle: () => undefined,
      markActive: () => undefined,
    };
  }

  #readerContext(indexOfSubtask: number, parallelism: number): SourceReaderContext {
    const counters = new Map<string, { count: number; inc(by?: number): void }>();
    return {
      indexOfSubtask,
      parallelism,
      environment: this.#options.environment,
      metricGroup: {
        counter(name) {
          const counter = counters.get(name) ?? {
            count: 0,
            inc(by = 1) {
              this.count += by;
            },
          };
          counters.set(name, counter);
          return counter;
        },
      },
      sendSplitRequest: () => this.#enumerator.handleSplitRequest(indexOfSubtask),
      hasSideOutput: () => this.#options.hasDeadLetterReader ?? true,
    };
  }
}
