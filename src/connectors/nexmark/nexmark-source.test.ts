import test from 'ava';
import { SourceRun } from '../common/testing/run-source.ts';
import type { NexmarkEvent } from './nexmark-events.ts';
import { NexmarkGenerator } from './nexmark-generator.ts';
import {
  nexmarkAuctionSource,
  nexmarkBidSource,
  nexmarkPersonSource,
  nexmarkSource,
} from './nexmark-source.ts';
import { nexmarkTables } from './nexmark-tables.ts';

const generator = new NexmarkGenerator(1000, nexmarkTables(1));
const expected = Array.from({ length: 530 }, (_, n) => generator.event(n));
const options = { eventsNum: 530, rate: 1000 };
const timeOf = ({ person, auction, bid }: NexmarkEvent): number | undefined =>
  (person ?? auction ?? bid)?.dateTime;

test('the events come in their order, with their own timestamps', async (t) => {
  const run = await new SourceRun(nexmarkSource(options)).toEnd();
  t.deepEqual(run.records(), expected);
  t.deepEqual(
    run.emitted.flat().map(({ timestamp }) => timestamp),
    expected.map(timeOf),
  );
});

test('subtask i makes the epochs e with e mod parallelism = i', async (t) => {
  const run = await new SourceRun(nexmarkSource(options), { parallelism: 3 }).toEnd();
  run.emitted.forEach((emitted, subtask) => {
    const own = expected.filter((_, n) => Math.floor(n / 50) % 3 === subtask);
    t.deepEqual(
      emitted.map(({ record }) => record),
      own,
    );
  });
});

test('a position at any event of an epoch goes on with it', async (t) => {
  const source = nexmarkSource(options);
  for (let next = 0; next <= 60; next++) {
    const restored = [{ splitId: '0', next, end: 530, stride: 1 }];
    const run = new SourceRun(source, { restored });
    t.deepEqual(run.snapshot(), restored);
    t.deepEqual((await run.toEnd()).records(), expected.slice(next));
  }
});

test('sources of one kind emit the rows of that kind', async (t) => {
  const persons = await new SourceRun(nexmarkPersonSource(options)).toEnd();
  const auctions = await new SourceRun(nexmarkAuctionSource(options)).toEnd();
  const bids = await new SourceRun(nexmarkBidSource(options)).toEnd();
  t.deepEqual(
    persons.records(),
    expected.flatMap(({ person }) => person ?? []),
  );
  t.deepEqual(
    auctions.records(),
    expected.flatMap(({ auction }) => auction ?? []),
  );
  t.deepEqual(
    bids.records(),
    expected.flatMap(({ bid }) => bid ?? []),
  );
});

test('the real-time rate counts all events', async (t) => {
  const source = nexmarkPersonSource({ ...options, ratePerSecond: 530 });
  const run = await new SourceRun(source, { parallelism: 2 }).toEnd();
  const elapsedMs = run.environment.clock.monotonicMs();
  t.is(run.records().length, 11);
  t.true(elapsedMs >= 900 && elapsedMs <= 1100, `${elapsedMs} ms`);
});

test('without a number of events the source is unbounded', (t) => {
  t.is(nexmarkSource({ rate: 1000 }).boundedness, 'continuous-unbounded');
  t.is(nexmarkSource(options).boundedness, 'bounded');
});

test('options out of range are refused', (t) => {
  for (const bad of [
    { rate: 1 },
    { rate: Number.NaN },
    { seed: 0.5 },
    { eventsNum: -1 },
    { eventsNum: 1e10 },
  ]) {
    t.throws(() => nexmarkSource({ ...options, ...bad }), { code: 'ILLEGAL_ARGUMENT' });
  }
});
