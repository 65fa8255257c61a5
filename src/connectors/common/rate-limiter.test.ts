import test from 'ava';
import fc from 'fast-check';
import { simulatedClock } from '../../base/simulated-clock.ts';
import { RateLimiter, requireRate } from './rate-limiter.ts';

test('record k is due k / rate seconds after the start', (t) => {
  const clock = simulatedClock(0);
  const limiter = new RateLimiter(clock, 100);
  t.is(limiter.permits(), 1);
  limiter.take(1);
  t.is(limiter.permits(), 0);
  t.is(limiter.waitMs(), 10);
  clock.advanceBy(35);
  t.is(limiter.permits(), 3);
});

test('after a standstill no more than a second is made up for', (t) => {
  const clock = simulatedClock(0);
  const limiter = new RateLimiter(clock, 1000);
  limiter.take(limiter.permits());
  clock.advanceBy(60_000);
  const burst = limiter.permits();
  t.is(burst, 1001);
  limiter.take(burst);
  clock.advanceBy(10);
  t.is(limiter.permits(), 10);
});

test('over any waits the count never leaves the rate by more than a record', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200_000 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 50 }),
      (rate, waits) => {
        const clock = simulatedClock(0);
        const limiter = new RateLimiter(clock, rate);
        let taken = 0;
        for (const waitMs of [0, ...waits]) {
          clock.advanceBy(waitMs);
          const permits = limiter.permits();
          limiter.take(permits);
          taken += permits;
        }
        return Math.abs(taken - 1 - (clock.monotonicMs() * rate) / 1000) < 1;
      },
    ),
  );
  t.pass();
});

test('a wait always lets time pass', (t) => {
  const clock = simulatedClock(0);
  const limiter = new RateLimiter(clock, 3_333_333.3 / 7);
  for (let step = 0; step < 200; step++) {
    limiter.take(limiter.permits());
    t.true(limiter.waitMs() > 0);
    clock.advanceBy(Math.ceil(limiter.waitMs()));
    t.true(limiter.permits() > 0);
  }
});

test('a rate that is none is refused', (t) => {
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => requireRate('source', rate), { code: 'ILLEGAL_ARGUMENT' });
  }
  t.notThrows(() => requireRate('source', undefined));
});
