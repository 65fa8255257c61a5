import test from 'ava';
import { NOTHING_AVAILABLE } from '../../functions/source.ts';
import { SourceRun } from '../common/testing/run-source.ts';
import { asyncIterableSource, READ_AHEAD_MAX } from './async-iterable-source.ts';

async function* upTo(end: number): AsyncGenerator<number> {
  for (let value = 0; value < end; value++) yield value;
}
const numbers = (end: number): number[] => Array.from({ length: end }, (_, value) => value);
/** Lets everything run that is ready. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test('the values come in their order, more than the read-ahead holds', async (t) => {
  const run = await new SourceRun(asyncIterableSource(() => upTo(5000))).toEnd();
  t.deepEqual(run.records(), numbers(5000));
});

test('an empty iterable ends', async (t) => {
  t.deepEqual((await new SourceRun(asyncIterableSource(() => upTo(0))).toEnd()).records(), []);
});

test('no more values are pulled than the read-ahead allows', async (t) => {
  let pulled = 0;
  const run = new SourceRun(
    asyncIterableSource(async function* () {
      for (;;) yield pulled++;
    }),
  );
  await settle();
  t.is(pulled, READ_AHEAD_MAX);
  run.poll(0);
  await settle();
  t.true(pulled <= READ_AHEAD_MAX + run.records().length);
  await run.reader(0).close();
});

test('a position at any value goes on with the next, if the factory repeats itself', async (t) => {
  for (let emitted = 0; emitted <= 12; emitted++) {
    const restored = [{ splitId: 'async-iterable', emitted }];
    const run = new SourceRun(
      asyncIterableSource(() => upTo(12)),
      { restored },
    );
    t.deepEqual(run.snapshot(), restored);
    t.deepEqual((await run.toEnd()).records(), numbers(12).slice(emitted));
  }
});

test('an iterable that continues by itself is not skipped', async (t) => {
  const restored = [{ splitId: 'async-iterable', emitted: 1000 }];
  const source = asyncIterableSource(() => upTo(12), undefined, { onRestore: 'continue' });
  const run = await new SourceRun(source, { restored }).toEnd();
  t.deepEqual(run.records(), numbers(12));
  const wrong = { onRestore: 'skip' as 'replay' };
  t.throws(() => asyncIterableSource(() => upTo(1), undefined, wrong), { message: /onRestore/ });
});

test("the iterator's error fails the job after the values before it", async (t) => {
  const cause = new Error('the line is dead');
  const run = new SourceRun(
    asyncIterableSource(async function* () {
      yield 1;
      throw cause;
    }),
  );
  const error = await t.throwsAsync(run.toEnd(), { code: 'CONNECTOR_FAILED' });
  t.is(error?.cause, cause);
  t.deepEqual(run.records(), [1]);
});

test("the factory's error fails the job", async (t) => {
  const run = new SourceRun(
    asyncIterableSource<number>(() => {
      throw new Error('no iterable today');
    }),
  );
  await t.throwsAsync(run.toEnd(), { code: 'CONNECTOR_FAILED', message: /no iterable today/ });
});

test('close runs the clean-up of an iterator that waits for room', async (t) => {
  let cleaned = false;
  const run = new SourceRun(
    asyncIterableSource(async function* () {
      try {
        for (;;) yield 0;
      } finally {
        cleaned = true;
      }
    }),
  );
  await settle();
  await run.reader(0).close();
  t.true(cleaned);
  t.is(run.environment.clock.pendingTimers, 0);
});

test('close does not wait for ever for an iterator that hangs, and wakes who waits', async (t) => {
  let returned = false;
  const hanging: AsyncIterableIterator<number> = {
    next: () => new Promise(() => {}),
    return: async () => {
      returned = true;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => hanging,
  };
  const run = new SourceRun(asyncIterableSource(() => hanging));
  t.is(run.poll(0), NOTHING_AVAILABLE);
  const waiting = run.reader(0).isAvailable();
  const closing = run.reader(0).close();
  run.environment.clock.advanceToNextTimer();
  await closing;
  await waiting;
  t.true(returned);
});

test('an error of the clean-up is reported by close', async (t) => {
  const endless: AsyncIterableIterator<number> = {
    next: async () => ({ done: false, value: 0 }),
    return: async () => {
      throw new Error('the clean-up failed');
    },
    [Symbol.asyncIterator]: () => endless,
  };
  const run = new SourceRun(asyncIterableSource(() => endless));
  await settle();
  await t.throwsAsync(async () => run.reader(0).close(), {
    code: 'CONNECTOR_FAILED',
    message: /the clean-up failed/,
  });
});
