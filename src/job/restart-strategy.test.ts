import test from 'ava';
import fc from 'fast-check';
import { MillraceError, toPlainError, fromPlainError } from '../base/errors.ts';
import { seededRandom } from '../base/seeded-random.ts';
import { SuppressRestartsError } from '../functions/suppress-restarts-error.ts';
import {
  configurationWith,
  defaultConfiguration,
  type RestartConfiguration,
} from '../graph/configuration.ts';
import { type RestartDecision, type RestartStrategy, restartStrategy } from './restart-strategy.ts';

const HALF = { nextDouble: () => 0.5 };
const error = new Error('disk on fire');

function strategyOf(
  options: Readonly<Record<string, string>>,
  random: { nextDouble(): number } = HALF,
  hasCheckpoints = true,
): RestartStrategy {
  const { restart } = configurationWith(defaultConfiguration, options);
  return restartStrategy({ restart, hasCheckpoints, random });
}

/** Decisions in short: the delay, or `end`. */
function decisions(strategy: RestartStrategy, timesMs: readonly number[]): (number | 'end')[] {
  return timesMs.map((nowMs) => short(strategy.onFailure(nowMs, error)));
}

function short(decision: RestartDecision): number | 'end' {
  return decision.kind === 'restart' ? decision.delayMs : 'end';
}

test('none gives up at once', (t) => {
  const decision = strategyOf({ 'restart-strategy.type': 'none' }).onFailure(0, error);
  t.deepEqual(decision, { kind: 'give-up', reason: 'restart-strategy.type is none' });
});

test('fixed delay: once after a second by default, then the end', (t) => {
  t.deepEqual(decisions(strategyOf({ 'restart-strategy.type': 'fixed-delay' }), [5, 6]), [
    1000,
    'end',
  ]);
});

test('fixed delay: as often as configured, or for ever', (t) => {
  const options = {
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.delay': '7 ms',
  };
  const three = strategyOf({ ...options, 'restart-strategy.fixed-delay.attempts': '3' });
  t.deepEqual(decisions(three, [1, 2, 1e9, 2e9]), [7, 7, 7, 'end']);
  const never = strategyOf({ ...options, 'restart-strategy.fixed-delay.attempts': '0' });
  t.deepEqual(decisions(never, [1]), ['end']);
  const ever = strategyOf({ ...options, 'restart-strategy.fixed-delay.attempts': 'infinite' });
  t.deepEqual(
    new Set(
      decisions(
        ever,
        Array.from({ length: 1000 }, (_, i) => i),
      ),
    ),
    new Set([7]),
  );
});

test('failure rate: one failure a minute by default', (t) => {
  const options = { 'restart-strategy.type': 'failure-rate' };
  t.deepEqual(decisions(strategyOf(options), [0, 60_001, 120_002]), [1000, 1000, 1000]);
  t.deepEqual(decisions(strategyOf(options), [0, 60_000]), [1000, 'end']);
});

test('failure rate: gives up when one failure more than allowed lies within the interval', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }),
      (max, gaps) => {
        const strategy = strategyOf({
          'restart-strategy.type': 'failure-rate',
          'restart-strategy.failure-rate.max-failures-per-interval': String(max),
          'restart-strategy.failure-rate.failure-rate-interval': '100 ms',
          'restart-strategy.failure-rate.delay': '3 ms',
        });
        let nowMs = 1_000_000;
        const seenMs: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          seenMs.push(nowMs);
          const inInterval = seenMs.filter((ms) => nowMs - ms <= 100).length;
          if (short(strategy.onFailure(nowMs, error)) !== (inInterval > max ? 'end' : 3))
            return false;
        }
        return true;
      },
    ),
  );
  t.pass();
});

test('exponential delay: Flink’s defaults grow by half up to a minute', (t) => {
  const strategy = strategyOf({ 'restart-strategy.type': 'exponential-delay' });
  const delays: number[] = [];
  let nowMs = 0;
  for (let attempt = 0; attempt < 14; attempt++) {
    const delay = Number(short(strategy.onFailure(nowMs, error)));
    delays.push(delay);
    nowMs += delay + 10;
  }
  t.deepEqual(delays.slice(0, 5), [1000, 1500, 2250, 3375, 5063]);
  t.deepEqual(delays.slice(-3), [60_000, 60_000, 60_000]);
});

test('exponential delay: starts anew an hour after it last restarted, not before', (t) => {
  const hour = 3_600_000;
  const options = { 'restart-strategy.type': 'exponential-delay' };
  // The first restart is at 1000, the second at 2600 (1100 + 1500).
  t.deepEqual(decisions(strategyOf(options), [0, 1100, 2600 + hour]), [1000, 1500, 1000]);
  t.deepEqual(decisions(strategyOf(options), [0, 1100, 2600 + hour - 1]), [1000, 1500, 2250]);
});

test('exponential delay: ends after the attempts without a reset in between', (t) => {
  const strategy = strategyOf({
    'restart-strategy.type': 'exponential-delay',
    'restart-strategy.exponential-delay.attempts-before-reset-backoff': '2',
    'restart-strategy.exponential-delay.reset-backoff-threshold': '10 s',
  });
  t.deepEqual(decisions(strategy, [0, 2000, 20_000, 21_000, 22_500]), [
    1000,
    1500,
    1000,
    1500,
    'end',
  ]);
});

test('exponential delay: jitter stays within its share and below the maximum, and spreads', (t) => {
  const options = { 'restart-strategy.type': 'exponential-delay' };
  t.is(short(strategyOf(options, { nextDouble: () => 0 }).onFailure(0, error)), 900);
  const random = seededRandom(11);
  const delays = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const delay = Number(short(strategyOf(options, random).onFailure(0, error)));
    t.true(delay >= 900 && delay <= 1100, `${delay}`);
    delays.add(delay);
  }
  t.true(delays.size > 50);
  const high = strategyOf(options, { nextDouble: () => 0.999 });
  t.true(
    decisions(
      high,
      Array.from({ length: 20 }, () => 0),
    ).every((delay) => Number(delay) <= 60_000),
  );
});

test('the default is exponential delay with checkpoints and none without', (t) => {
  t.deepEqual(decisions(strategyOf({}), [0, 1]), [1000, 1500]);
  const decision = strategyOf({}, HALF, false).onFailure(0, error);
  t.is(decision.kind, 'give-up');
  t.regex(
    decision.kind === 'give-up' ? decision.reason : '',
    /no checkpoints.*execution\.checkpointing\.interval/,
  );
});

const ALL: readonly RestartConfiguration['kind'][] = [
  'fixed-delay',
  'failure-rate',
  'exponential-delay',
];

for (const kind of ALL) {
  test(`${kind}: what no restart mends is not tried again, wherever it stands among the causes`, (t) => {
    const options = { 'restart-strategy.type': kind };
    const codes = [
      'STATE_INCOMPATIBLE',
      'JOB_GRAPH_INVALID',
      'JOB_LOCKED',
      'CHECKPOINT_DAMAGED',
    ] as const;
    for (const code of codes) {
      const cause = new MillraceError(code, 'no');
      const wrapped = new MillraceError('JOB_FAILED', 'failed', { cause });
      for (const each of [cause, wrapped]) {
        const decision = strategyOf(options).onFailure(0, each);
        t.is(decision.kind, 'give-up');
        t.true(decision.kind === 'give-up' && decision.reason.startsWith(code));
      }
    }
    const lost = new MillraceError('WORKER_LOST', 'a thread died');
    t.is(strategyOf(options).onFailure(0, lost).kind, 'restart');
  });
}

test('user code that suppresses restarts is heard from another thread, too', (t) => {
  const thrown = new SuppressRestartsError('orders of version 4', { cause: new Error('x') });
  const failure = new MillraceError('USER_FUNCTION_FAILED', 'map failed', { cause: thrown });
  const arrived = fromPlainError(structuredClone(toPlainError(failure)));
  const decision = strategyOf({}).onFailure(0, arrived);
  t.is(decision.kind, 'give-up');
  t.regex(decision.kind === 'give-up' ? decision.reason : '', /^RESTARTS_SUPPRESSED/);
});

test('a ring of causes is no trap, and what is no error is tried again', (t) => {
  const one = new Error('one');
  one.cause = one;
  t.is(strategyOf({}).onFailure(0, one).kind, 'restart');
  t.is(strategyOf({}).onFailure(0, 'a text').kind, 'restart');
});
