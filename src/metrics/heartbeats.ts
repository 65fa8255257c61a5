/**
 * A job's heartbeats in shared memory: per worker how many steps it has taken and what it is in
 * now, so that another thread can tell a worker that works from one that an operator holds.
 *
 *      int32 0  +--------------------------------------------------+
 *               | steps: grows by one at every enter and leave     |
 *            1  | what it is in: vertex + 1, or 0 between steps    |
 *            2  | subtask                                          |
 *            3  | operator in the chain + 1, or 0 if not known     |
 *               +--------------------------------------------------+  one block of 128 bytes per worker, so that no two
 *                                                                     workers share a cache line
 *
 * Invariants:
 * 1. A block has one writer, its worker. `steps` is written last, so who sees it changed sees what
 *    belongs to it.
 * 2. `steps` wraps around; only whether it has changed means anything.
 */
import { assert } from '../base/assert.ts';

const BLOCK_INTS = 32;
const STEPS = 0;
const VERTEX = 1;
const SUBTASK = 2;
const OPERATOR = 3;

/** What a worker was in when it was looked at. */
export interface Heartbeat {
  readonly steps: number;
  /** Undefined between steps: idle, or in the loop itself. */
  readonly vertex: number | undefined;
  readonly subtask: number;
  /** The operator in the vertex' chain, if its loop has told. */
  readonly operator: number | undefined;
}

/** Memory for the heartbeats of as many workers; all are between steps. */
export function allocateHeartbeats(workers: number): SharedArrayBuffer {
  assert(workers >= 1, () => `a job has a worker, got ${workers}`);
  return new SharedArrayBuffer(workers * BLOCK_INTS * Int32Array.BYTES_PER_ELEMENT);
}

/** A worker's own side. */
export class HeartbeatWriter {
  readonly #ints: Int32Array;
  #steps = 0;

  constructor(buffer: ArrayBufferLike, worker: number) {
    this.#ints = blockOf(buffer, worker);
  }

  /** Before a step of a task. */
  enter(vertex: number, subtask: number): void {
    const ints = this.#ints;
    Atomics.store(ints, VERTEX, vertex + 1);
    Atomics.store(ints, SUBTASK, subtask);
    Atomics.store(ints, OPERATOR, 0);
    Atomics.store(ints, STEPS, ++this.#steps | 0);
  }

  /** Which operator of the chain runs now, where that is known: opening, firing, snapshotting. */
  operator(operator: number): void {
    Atomics.store(this.#ints, OPERATOR, operator + 1);
  }

  /** After a step, and before the worker sleeps. */
  leave(): void {
    const ints = this.#ints;
    Atomics.store(ints, VERTEX, 0);
    Atomics.store(ints, STEPS, ++this.#steps | 0);
  }
}

/** Looks at all workers' heartbeats. */
export class HeartbeatReader {
  readonly workers: number;
  readonly #buffer: ArrayBufferLike;

  constructor(buffer: ArrayBufferLike) {
    this.#buffer = buffer;
    this.workers = buffer.byteLength / (BLOCK_INTS * Int32Array.BYTES_PER_ELEMENT);
  }

  read(worker: number): Heartbeat {
    const ints = blockOf(this.#buffer, worker);
    const vertex = Atomics.load(ints, VERTEX);
    const operator = Atomics.load(ints, OPERATOR);
    return {
      steps: Atomics.load(ints, STEPS),
      vertex: vertex === 0 ? undefined : vertex - 1,
      subtask: Atomics.load(ints, SUBTASK),
      operator: operator === 0 ? undefined : operator - 1,
    };
  }
}

function blockOf(buffer: ArrayBufferLike, worker: number): Int32Array {
  return new Int32Array(buffer, worker * BLOCK_INTS * Int32Array.BYTES_PER_ELEMENT, BLOCK_INTS);
}
