/**
 * The ring alone: reserve, commit, poll and release on one thread, and throughput between two
 * threads.
 */
import { Worker } from 'node:worker_threads';
import { allocateRing, Doorbell, RingReader, RingWriter } from '../../src/runtime/ring/index.ts';
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import type { RingRun, RingTask } from './ring-thread.ts';
import { microResult } from './tinybench-results.ts';

const CAPACITY_BYTES = 1 << 20;
const FRAMES_PER_CALL = 16;
const RUNS = 5;

/** See the file's head. */
export const ringBench: Bench = {
  name: 'ring',
  run: async function* ({ quick }) {
    const sizes = [64, 4096, 32_768];
    yield await microResult('ring', sizes.map(oneThread), quick);
    for (const frameBytes of sizes) yield await twoThreads(frameBytes, quick);
  },
};

function oneThread(frameBytes: number): { name: string; perCall: number; call: () => void } {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  const call = (): void => {
    for (let frame = 0; frame < FRAMES_PER_CALL; frame++) {
      writer.tryReserve(frameBytes);
      writer.commit(1, frameBytes);
      writer.publish();
    }
    while (reader.poll()) reader.release();
  };
  return { name: `frame of ${frameBytes} bytes`, perCall: FRAMES_PER_CALL, call };
}

async function twoThreads(frameBytes: number, quick: boolean): Promise<BenchResult> {
  const bytes = quick ? 2 ** 28 : 2 ** 32;
  const frames = Math.min(bytes / frameBytes, quick ? 1_000_000 : 10_000_000);
  const each: Figures[] = [];
  for (let run = 0; run < (quick ? 1 : RUNS); run++) each.push(await transfer(frameBytes, frames));
  const config = { threads: 2, frameBytes, frames, capacityBytes: CAPACITY_BYTES };
  return { bench: 'ring', config, runs: each.length, medians: mediansOf(each), each };
}

/** The producer fills each payload and the consumer adds it up, so the bytes do cross. */
async function transfer(frameBytes: number, frames: number): Promise<Figures> {
  const common = {
    ring: allocateRing(CAPACITY_BYTES),
    doorbells: Doorbell.allocate(2),
    frames,
    frameBytes,
  };
  const [produced, consumed] = await Promise.all([
    runThread({ ...common, role: 'producer' }),
    runThread({ ...common, role: 'consumer' }),
  ]);
  if (produced.sum !== consumed.sum) {
    throw new Error(`the ring changed bytes: ${consumed.sum} arrived of ${produced.sum}`);
  }
  const seconds = (consumed.endMs - produced.startMs) / 1000;
  return {
    framesPerSecond: frames / seconds,
    gigabytesPerSecond: (frames * frameBytes) / seconds / 1e9,
  };
}

function runThread(task: RingTask): Promise<RingRun> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./ring-thread.ts', import.meta.url), { workerData: task });
    thread.once('message', resolve);
    thread.once('error', reject);
  });
}
