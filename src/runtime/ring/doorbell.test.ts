/**
 * The doorbell in one thread and with a sleeping thread; its orders of steps are in
 * ring-interleavings.test.ts.
 */
import test from 'ava';
import type { Clock } from '../../base/environment.ts';
import { Doorbell } from './doorbell.ts';

test('ring between prepare and wait keeps the owner awake', (t) => {
  const shared = Doorbell.allocate(1);
  const owner = new Doorbell(shared, 0);
  owner.prepare();
  new Doorbell(shared, 0).ring();
  const startMs = performance.now();
  owner.wait(60_000);
  t.true(performance.now() - startMs < 5_000);
});

test('a ring before prepare is no news any more', (t) => {
  const owner = new Doorbell(Doorbell.allocate(1), 0);
  owner.ring();
  owner.prepare();
  const startMs = performance.now();
  owner.wait(20);
  t.true(performance.now() - startMs >= 19);
});

test('after cancel a ring finds nobody asleep', (t) => {
  const shared = Doorbell.allocate(1);
  const owner = new Doorbell(shared, 0);
  owner.prepare();
  t.is(Atomics.load(new Int32Array(shared), 0), 1);
  owner.cancel();
  t.is(Atomics.load(new Int32Array(shared), 0), 0);
});

test('doorbells of one allocation are independent', (t) => {
  const shared = Doorbell.allocate(3);
  const owner = new Doorbell(shared, 1);
  owner.prepare();
  new Doorbell(shared, 0).ring();
  new Doorbell(shared, 2).ring();
  const startMs = performance.now();
  owner.wait(20);
  t.true(performance.now() - startMs >= 19);
});

test('an asynchronous wait ends by ring, and leaves the word awake', async (t) => {
  const shared = Doorbell.allocate(1);
  const owner = new Doorbell(shared, 0);
  for (const timeoutMs of [Infinity, 60_000]) {
    owner.prepare();
    const waiting = owner.waitAsync(timeoutMs);
    new Doorbell(shared, 0).ring();
    await waiting;
    t.is(Atomics.load(new Int32Array(shared), 0), 0);
  }
});

test('an asynchronous wait ends at its timeout', async (t) => {
  const owner = new Doorbell(Doorbell.allocate(1), 0);
  const keepAlive = setInterval(() => undefined, 1000);
  for (const clock of [undefined, new TestClock()]) {
    owner.prepare();
    const startMs = performance.now();
    await owner.waitAsync(20, clock);
    t.true(performance.now() - startMs >= 19);
  }
  clearInterval(keepAlive);
});

test('a rung wait leaves no timer of its clock behind', async (t) => {
  const owner = new Doorbell(Doorbell.allocate(1), 0);
  const clock = new TestClock();
  owner.prepare();
  const waiting = owner.waitAsync(60_000, clock);
  t.is(clock.pending, 1);
  owner.ring();
  await waiting;
  t.is(clock.pending, 0);
});

test('a doorbell that does not exist is refused', (t) => {
  const shared = Doorbell.allocate(2);
  for (const index of [-1, 2, 0.5]) {
    t.throws(() => new Doorbell(shared, index), { code: 'ILLEGAL_ARGUMENT' });
  }
  t.throws(() => Doorbell.allocate(0), { code: 'ILLEGAL_ARGUMENT' });
});

/** Real timers, counted. */
class TestClock implements Clock {
  pending = 0;

  now(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    this.pending++;
    const timer = setTimeout(callback, delayMs);
    return {
      cancel: () => {
        this.pending--;
        clearTimeout(timer);
      },
    };
  }
}
