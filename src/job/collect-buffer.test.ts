import test from 'ava';
import { COLLECT_ROWS_MAX, CollectBuffer } from './collect-buffer.ts';

function bufferOf(): { buffer: CollectBuffer; rooms: () => number } {
  let rooms = 0;
  const buffer = new CollectBuffer(() => {
    rooms++;
  });
  return { buffer, rooms: () => rooms };
}

async function take(buffer: CollectBuffer, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) {
    const next = await buffer.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

test('records come in order, also those that the reader awaited', async (t) => {
  const { buffer } = bufferOf();
  const first = buffer.next();
  buffer.append('a');
  buffer.append('b');
  t.deepEqual(await first, { done: false, value: 'a' });
  buffer.end();
  t.deepEqual(await take(buffer, 9), ['b']);
  t.deepEqual(await buffer.next(), { done: true, value: undefined });
});

test('reads that overlap all get an answer', async (t) => {
  const { buffer } = bufferOf();
  const reads = [buffer.next(), buffer.next(), buffer.next()];
  buffer.append(1);
  buffer.append(2);
  buffer.end();
  t.deepEqual(
    (await Promise.all(reads)).map(({ value }) => value as unknown),
    [1, 2, undefined],
  );
});

test('a failure comes after the last record, once', async (t) => {
  const { buffer } = bufferOf();
  buffer.append(1);
  buffer.end({ error: new Error('it failed') });
  t.deepEqual(await take(buffer, 1), [1]);
  await t.throwsAsync(buffer.next(), { message: 'it failed' });
  t.deepEqual(await buffer.next(), { done: true, value: undefined });
});

test('a full buffer has no credit until the reader has made room', async (t) => {
  const { buffer, rooms } = bufferOf();
  for (let n = 0; n < COLLECT_ROWS_MAX; n++) buffer.append(n);
  t.false(buffer.hasCredit());
  t.deepEqual(
    await take(buffer, COLLECT_ROWS_MAX),
    Array.from({ length: COLLECT_ROWS_MAX }, (_, n) => n),
  );
  t.true(buffer.hasCredit());
  t.true(rooms() > 0);
});

test('a reader that leaves takes everything from then on', async (t) => {
  const { buffer, rooms } = bufferOf();
  for await (const _ of endless(buffer)) break;
  for (let n = 0; n < 2 * COLLECT_ROWS_MAX; n++) buffer.append(n);
  t.true(buffer.hasCredit());
  t.true(rooms() > 0);
  t.deepEqual(await buffer.next(), { done: true, value: undefined });
});

function endless(buffer: CollectBuffer): CollectBuffer {
  buffer.append('first');
  return buffer;
}
