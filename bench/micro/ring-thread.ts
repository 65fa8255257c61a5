/** One side of the two-thread ring bench. */
import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, RingReader, RingWriter } from '../../src/runtime/ring/index.ts';
import { sharedNowMs } from '../support/shared-clock.ts';

/** What a thread does. */
export interface RingTask {
  readonly role: 'producer' | 'consumer';
  readonly ring: SharedArrayBuffer;
  /** Index 0 is the producer's, 1 the consumer's. */
  readonly doorbells: SharedArrayBuffer;
  readonly frames: number;
  readonly frameBytes: number;
}

/** What it did. */
export interface RingRun {
  readonly startMs: number;
  readonly endMs: number;
  /** Of all words, modulo 2^32. */
  readonly sum: number;
}

function produce(task: RingTask): RingRun {
  const writer = new RingWriter(task.ring, new Doorbell(task.doorbells, 1));
  const own = new Doorbell(task.doorbells, 0);
  const { int32 } = writer.memory;
  const words = task.frameBytes / 4;
  const startMs = sharedNowMs();
  let sum = 0;
  for (let frame = 0; frame < task.frames; frame++) {
    let offset = writer.tryReserve(task.frameBytes);
    while (offset < 0) {
      own.prepare();
      offset = writer.tryReserve(task.frameBytes);
      if (offset >= 0) own.cancel();
      else own.wait(Number.POSITIVE_INFINITY);
    }
    const first = offset >> 2;
    for (let word = 0; word < words; word++) int32[first + word] = frame + word;
    sum = (sum + Math.imul(frame, words) + (words * (words - 1)) / 2) | 0;
    writer.commit(1, task.frameBytes);
    writer.publish();
  }
  return { startMs, endMs: sharedNowMs(), sum };
}

function consume(task: RingTask): RingRun {
  const reader = new RingReader(task.ring, new Doorbell(task.doorbells, 0));
  const own = new Doorbell(task.doorbells, 1);
  const { int32 } = reader.memory;
  const words = task.frameBytes / 4;
  const startMs = sharedNowMs();
  let sum = 0;
  for (let frame = 0; frame < task.frames; ) {
    while (reader.poll()) {
      const first = reader.offset >> 2;
      for (let word = 0; word < words; word++) sum = (sum + (int32[first + word] ?? 0)) | 0;
      reader.release();
      frame++;
    }
    if (frame === task.frames) break;
    own.prepare();
    if (reader.isEmpty()) own.wait(Number.POSITIVE_INFINITY);
    else own.cancel();
  }
  return { startMs, endMs: sharedNowMs(), sum };
}

const task = workerData as RingTask;
parentPort?.postMessage(task.role === 'producer' ? produce(task) : consume(task));
