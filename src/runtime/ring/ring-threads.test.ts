/** Rings between two real threads that sleep whenever they can do nothing. */
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { soakFactor } from '../../../test/soak-factor.ts';
import { Doorbell, allocateRing } from './index.ts';
import { allocateRingAt } from './memory.ts';
import type { ThreadResult, ThreadTask } from './ring-threads.test-worker.ts';

const FRAMES = 10_000_000 * soakFactor;
const seed = (Date.now() & 0x7fff_ffff) | 1;

type Plan = Omit<ThreadTask, 'role' | 'doorbells' | 'seed'>;

function runThread(task: ThreadTask): Promise<ThreadResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ThreadResult>();
  const worker = new Worker(new URL('ring-threads.test-worker.ts', import.meta.url), {
    workerData: task,
  });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new Error(`the thread ended with ${code} (seed ${seed})`)));
  return promise;
}

async function runBoth(plan: Plan): Promise<readonly [ThreadResult, ThreadResult]> {
  const doorbells = Doorbell.allocate(2);
  return Promise.all([
    runThread({ ...plan, role: 'producer', doorbells, seed }),
    runThread({ ...plan, role: 'consumer', doorbells, seed }),
  ]);
}

test.serial(
  'checksummed frames by the ten million of random lengths arrive, in order',
  async (t) => {
    t.timeout(120_000 * soakFactor);
    const startMs = performance.now();
    const ring = allocateRing(64 * 1024);
    const [sent, received] = await runBoth({
      ring,
      frames: FRAMES,
      wordsMax: 24,
      framesPerPublishMax: 64,
      isAsync: false,
    });
    const seconds = (performance.now() - startMs) / 1000;
    t.log(`${seconds.toFixed(1)} s, sleeps ${sent.sleeps} and ${received.sleeps}, seed ${seed}`);
    t.is(received.frames, FRAMES);
    t.is(received.bytes, sent.bytes);
  },
);

test.serial('a small ring makes both threads sleep, and nothing is lost', async (t) => {
  const ring = allocateRingAt(256, 2 ** 31 - 4096);
  const plan = { ring, frames: 200_000, wordsMax: 20, framesPerPublishMax: 3, isAsync: false };
  const [sent, received] = await runBoth(plan);
  t.is(received.bytes, sent.bytes);
  t.true(sent.sleeps > 0 && received.sleeps > 0, `sleeps ${sent.sleeps}, ${received.sleeps}`);
});

test.serial('a consumer that waits asynchronously loses nothing either', async (t) => {
  const ring = allocateRingAt(1024, 2 ** 31 - 4096);
  const plan = { ring, frames: 200_000, wordsMax: 20, framesPerPublishMax: 3, isAsync: true };
  const [sent, received] = await runBoth(plan);
  t.is(received.bytes, sent.bytes);
  t.true(received.sleeps > 0);
});
