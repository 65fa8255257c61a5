/**
 * A thread of `ring-threads.test.ts`: sends or receives checksummed frames of random lengths,
 * asleep whenever it can do nothing. Payload: words from a generator of its frame's number, then
 * their checksum.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { Doorbell, RingReader, RingWriter } from './index.ts';

/** What the test tells a thread. */
export interface ThreadTask {
  readonly role: 'producer' | 'consumer';
  readonly ring: SharedArrayBuffer;
  /** Index 0 is the producer's, 1 the consumer's. */
  readonly doorbells: SharedArrayBuffer;
  readonly frames: number;
  readonly seed: number;
  readonly wordsMax: number;
  readonly framesPerPublishMax: number;
  /** Whether the consumer waits with `Atomics.waitAsync`. */
  readonly isAsync: boolean;
}

/** What a thread tells the test. */
export interface ThreadResult {
  readonly frames: number;
  readonly bytes: number;
  readonly sleeps: number;
}

/** Xorshift: the state is the number. */
function nextRandom(state: number): number {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  return x ^ (x << 5);
}

function wordsOf(random: number, wordsMax: number): number {
  return (random >>> 8) % (wordsMax + 1);
}

function produce(task: ThreadTask): ThreadResult {
  const writer = new RingWriter(task.ring, new Doorbell(task.doorbells, 1));
  const own = new Doorbell(task.doorbells, 0);
  const int32 = writer.memory.int32;
  let random = task.seed;
  let bytes = 0;
  let sleeps = 0;
  let untilPublish = 1;
  for (let frame = 0; frame < task.frames; frame++) {
    random = nextRandom(random);
    const words = wordsOf(random, task.wordsMax);
    const byteLength = (words + 1) * 4;
    let offset = writer.tryReserve(byteLength);
    while (offset < 0) {
      writer.publish();
      own.prepare();
      offset = writer.tryReserve(byteLength);
      if (offset >= 0) own.cancel();
      else {
        sleeps++;
        own.wait(Infinity);
        offset = writer.tryReserve(byteLength);
      }
    }
    let index = offset >> 2;
    let checksum = frame;
    for (let word = 0; word < words; word++) {
      const value = Math.imul(random, word + 1);
      int32[index++] = value;
      checksum = (Math.imul(checksum, 31) + value) | 0;
    }
    int32[index] = checksum;
    writer.commit(frame, byteLength);
    bytes += byteLength;
    if (--untilPublish > 0) continue;
    writer.publish();
    untilPublish = 1 + ((random >>> 20) % task.framesPerPublishMax);
  }
  writer.publish();
  return { frames: task.frames, bytes, sleeps };
}

/** Number, length and checksum of the current frame must be those that the producer made. */
function checkFrame(reader: RingReader, frame: number, words: number): void {
  const int32 = reader.memory.int32;
  let index = reader.offset >> 2;
  let checksum = frame;
  for (let word = 0; word < words; word++) {
    checksum = (Math.imul(checksum, 31) + (int32[index++] as number)) | 0;
  }
  const isRight =
    reader.kind === frame && reader.byteLength === (words + 1) * 4 && int32[index] === checksum;
  assert(isRight, () => `frame ${frame} arrived as ${reader.kind} with ${reader.byteLength} bytes`);
}

async function consume(task: ThreadTask): Promise<ThreadResult> {
  const reader = new RingReader(task.ring, new Doorbell(task.doorbells, 0));
  const own = new Doorbell(task.doorbells, 1);
  let random = task.seed;
  let bytes = 0;
  let sleeps = 0;
  for (let frame = 0; frame < task.frames; ) {
    while (reader.poll()) {
      random = nextRandom(random);
      checkFrame(reader, frame, wordsOf(random, task.wordsMax));
      bytes += reader.byteLength;
      frame++;
      reader.release();
    }
    own.prepare();
    if (!reader.isEmpty() || frame === task.frames) {
      own.cancel();
      continue;
    }
    sleeps++;
    if (task.isAsync) await own.waitAsync(Infinity);
    else own.wait(Infinity);
  }
  return { frames: task.frames, bytes, sleeps };
}

const task = workerData as ThreadTask;
// Waiting alone does not keep a thread alive; listening to the port does.
parentPort?.on('message', () => undefined);
parentPort?.postMessage(task.role === 'producer' ? produce(task) : await consume(task));
parentPort?.close();
