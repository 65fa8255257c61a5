import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import type { NexmarkEvent } from './nexmark-events.ts';
import { EPOCH_SIZE, NexmarkGenerator } from './nexmark-generator.ts';
import { nexmarkTables } from './nexmark-tables.ts';

/**
 * Of the text of the first 100,000 events at rate 1000 and seed 1, as the specification states it.
 */
const DIGEST = '983c753adb5e59f407757b90797c2400734f34fda7d1ebcc0baf6158f11db159';

/** An event as a line of the reference text. */
function lineOf({ person: p, auction: a, bid: b }: NexmarkEvent): string {
  if (p !== null) {
    const { id, name, emailAddress, creditCard, city, state, dateTime, extra } = p;
    return ['P', id, name, emailAddress, creditCard, city, state, dateTime, extra].join('|');
  }
  if (a !== null) {
    const { id, itemName, description, initialBid, reserve, dateTime, expires } = a;
    const rest = [dateTime, expires, a.seller, a.category, a.extra];
    return ['A', id, itemName, description, initialBid, reserve, ...rest].join('|');
  }
  if (b === null) throw new Error('an event without a row');
  return ['B', b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime, b.extra].join('|');
}

test('100,000 events at rate 1000 and seed 1 have the digest of the specification', (t) => {
  const generator = new NexmarkGenerator(1000, nexmarkTables(1));
  const hash = createHash('sha256');
  for (let n = 0; n < 100_000; n++) hash.update(`${lineOf(generator.event(n))}\n`);
  t.is(hash.digest('hex'), DIGEST);
});

test('an event does not depend on those made before it', (t) => {
  const tables = nexmarkTables(1);
  const forwards = new NexmarkGenerator(1000, tables);
  const backwards = new NexmarkGenerator(1000, tables);
  const events = Array.from({ length: 200 }, (_, n) => forwards.event(n));
  for (let n = 199; n >= 0; n--) t.deepEqual(backwards.event(n), events[n]);
});

test('an epoch is one person, three auctions and 46 bids', (t) => {
  const generator = new NexmarkGenerator(1000, nexmarkTables(1));
  const kinds = Array.from({ length: EPOCH_SIZE }, (_, offset) =>
    generator.kindOf(7 * EPOCH_SIZE + offset),
  );
  t.deepEqual(
    kinds.map((kind) => kind),
    [0, 1, 1, 1, ...Array.from({ length: 46 }, () => 2)],
  );
});

test('times are exact where the distance of two events is no whole number of microseconds', (t) => {
  const generator = new NexmarkGenerator(3000, nexmarkTables(1));
  const base = generator.timeOf(0);
  for (let n = 0; n < 100_000; n++) {
    t.is(
      generator.timeOf(n) - base,
      Number((BigInt(n) * 1_000_000n) / 3000n / 1000n),
      `event ${n}`,
    );
  }
});

const reference = new URL('../../../../shared/nexmark/', import.meta.url);

test('the bids of 20,000 events are those that the reference system saw', (t) => {
  const file = new URL('q0.csv.gz', reference);
  if (!existsSync(file)) {
    t.pass();
    t.log(`skipped: ${file.pathname} is not there`);
    return;
  }
  const expected = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n').slice(1);
  const generator = new NexmarkGenerator(1000, nexmarkTables(1));
  const rows: string[] = [];
  for (let n = 0; n < 20_000; n++) {
    const { bid } = generator.event(n);
    if (bid === null) continue;
    const time = new Date(bid.dateTime).toISOString().replace('T', ' ').replace('Z', '');
    rows.push([bid.auction, bid.bidder, bid.price, time, bid.extra].join(','));
  }
  t.deepEqual(rows.toSorted(), expected.toSorted());
});

test('other seeds, rates and far events are those of the reference program', async (t) => {
  const file = new URL('nexgen.mjs', reference);
  if (!existsSync(file)) {
    t.pass();
    t.log(`skipped: ${file.pathname} is not there`);
    return;
  }
  const program = (await import(file.href)) as {
    nexgen(rate: number, seed: number): (n: number) => unknown;
    line(event: unknown): string;
  };
  for (const [rate, seed] of [
    [1000, 7],
    [10_000_000, -3],
    [2, 1],
  ] as const) {
    const expected = program.nexgen(rate, seed);
    const generator = new NexmarkGenerator(rate, nexmarkTables(seed));
    for (const start of [0, 1_234_567, 2 ** 31 - 50, 2 ** 32 - 50, 8_000_000_000]) {
      for (let n = start; n < start + 300; n++) {
        t.is(lineOf(generator.event(n)), program.line(expected(n)), `${rate} ${seed} ${n}`);
      }
    }
  }
});
