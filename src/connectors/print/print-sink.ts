/**
 * Prints records, one line each, as Flink's print sink does: `prefix:subtask> record`, subtasks
 * counted from 1.
 *
 * The prefix is left out if empty, the subtask if there is only one, and `> ` if both are.
 *
 * Invariants:
 * 1. A record is one write of one line, so lines of several subtasks never mix.
 * 2. When the output's buffer is full the writer says so, and the job waits.
 */
import { inspect } from 'node:util';
import type { SubtaskContext } from '../../functions/runtime-context.ts';
import type { Sink, SinkWriter } from '../../functions/sink.ts';
import { standardOutput } from './standard-output.ts';

/** Where lines go. */
export interface TextOutput {
  /** Takes text; false: its buffer is full, wait for {@link TextOutput.drained}. */
  write(text: string): boolean;
  /** Resolves when a full buffer has emptied. */
  drained(): Promise<void>;
  /** Resolves when everything written so far is handed on; rejects if it could not be. */
  flush(): Promise<void>;
}

/**
 * A sink that prints. At least once: after a failure, what was printed since the last checkpoint is
 * printed again.
 *
 * @param prefix - stands before every line, to tell several print sinks apart
 * @param output - the process's standard output if left out
 * @example
 * stream.sinkTo(printSink('late')) // late:2> { origin: 'JFK', delay: 12 }
 */
export function printSink<T = unknown>(
  prefix: string = '',
  output: TextOutput = standardOutput,
): Sink<T, never> {
  return {
    deliveryGuarantee: 'at-least-once',
    createWriter: (context) => new PrintWriter<T>(linePrefix(prefix, context), output),
  };
}

/** What stands before a subtask's records. */
function linePrefix(prefix: string, context: SubtaskContext): string {
  const isParallel = context.numberOfParallelSubtasks > 1;
  const parts = [prefix, isParallel ? String(context.indexOfThisSubtask + 1) : ''];
  const text = parts.filter((part) => part !== '').join(':');
  return text === '' ? '' : `${text}> `;
}

/** Strings as they are, all else as Node shows it, in full and on one line. */
function printed(value: unknown): string {
  if (typeof value === 'string') return value;
  return inspect(value, {
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    depth: null,
    maxArrayLength: null,
    maxStringLength: null,
  });
}

class PrintWriter<T> implements SinkWriter<T> {
  readonly #prefix: string;
  readonly #output: TextOutput;
  #full: Promise<void> | undefined;

  constructor(prefix: string, output: TextOutput) {
    this.#prefix = prefix;
    this.#output = output;
  }

  write(value: T): void {
    const hasRoom = this.#output.write(`${this.#prefix}${printed(value)}\n`);
    if (hasRoom || this.#full !== undefined) return;
    this.#full = this.#output.drained().then(() => {
      this.#full = undefined;
    });
  }

  backpressure(): Promise<void> | undefined {
    return this.#full;
  }

  flush(): Promise<void> {
    return this.#output.flush();
  }

  /** Also after a failure: what was printed before it is shown. */
  close(): Promise<void> {
    return this.#output.flush();
  }
}
