/**
 * The records of a running job as an async iterator that owns the job.
 *
 * Invariants:
 * 1. The job is disposed exactly once: at the end, at a failure, or when the reader leaves or
 *    disposes.
 * 2. A job that failed makes `next` throw its first cause; nothing is lost silently.
 */
import type { JobClient } from '../../graph/job-client.ts';
import { illegalArgument } from './arguments.ts';
import type { StreamContext } from './stream-context.ts';

/** An async iterator over a job's records; closing it cancels the job. */
export interface CloseableIterator<T> extends AsyncIterableIterator<T>, AsyncDisposable {
  /** Cancels the job and resolves when nothing of it is left; idempotent. */
  close(): Promise<void>;
}

/** See the head of the file. */
export class CollectIterator<T> implements CloseableIterator<T> {
  readonly #context: StreamContext;
  readonly #job: JobClient;
  readonly #records: AsyncIterableIterator<unknown>;
  #closing: Promise<void> | undefined;

  constructor(context: StreamContext, job: JobClient, collectName: string) {
    this.#context = context;
    this.#job = job;
    this.#records = job.collected(collectName);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#closing !== undefined) return { done: true, value: undefined };
    try {
      const result = await this.#records.next();
      if (result.done !== true) return { done: false, value: result.value as T };
      // A job whose reader has left is canceled, which is no failure.
      if (this.#closing === undefined) await this.#job.getJobExecutionResult();
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.close();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  close(): Promise<void> {
    this.#closing ??= this.#context.endJob(this.#job);
    return this.#closing;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Fails unless `limit` is a whole number from 0. */
export function requireLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 0) return;
  throw illegalArgument(`executeAndCollect got a limit of ${limit}: give a whole number from 0`);
}

/** The first `limit` records, or all if there are fewer; then the job is canceled. */
export async function firstOf<T>(iterator: CloseableIterator<T>, limit: number): Promise<T[]> {
  await using records = iterator;
  const first: T[] = [];
  while (first.length < limit) {
    const result = await records.next();
    if (result.done === true) break;
    first.push(result.value);
  }
  return first;
}
