import test from 'ava';
import { overflowQueue, readAll, readElement, valuesOf } from './channel.test-kit.ts';
import { EdgeSchema } from './edge-schema.ts';
import { CREDIT_ROWS, LocalChannel, QUEUED_ROWS_MAX } from './local-channel.ts';

function localChannel(overflowBytes?: number) {
  const { queue, fileSystem } = overflowQueue(overflowBytes);
  return {
    channel: new LocalChannel(new EdgeSchema(undefined, true, 'producer'), queue),
    fileSystem,
  };
}

test('rows pass by reference, in order, with control elements at their place', (t) => {
  const { channel } = localChannel();
  const row = { id: 1 };
  channel.append(row, 10, 77);
  channel.writeWatermark(9);
  channel.append({ id: 2 }, 11, 78);
  channel.writeStatus(true);
  channel.writeEnd();
  const read = readAll(channel);
  t.deepEqual(read, [
    { row: { id: 1 }, timestamp: 10, hash: 77 },
    { watermark: 9 },
    { row: { id: 2 }, timestamp: 11, hash: 78 },
    'idle',
    'end',
  ]);
  t.is(valuesOf(read)[0], row);
});

test('credit ends with some batches and comes back with reading', (t) => {
  const { channel } = localChannel();
  for (let n = 0; n < CREDIT_ROWS; n++) channel.append(n, 0, 0);
  t.false(channel.hasCredit());
  readElement(channel);
  t.true(channel.hasCredit());
});

test('a burst beyond the bound is encoded and comes out in order, types widened', (t) => {
  const { channel } = localChannel(4096);
  const rows: unknown[] = [];
  for (let n = 0; n < QUEUED_ROWS_MAX + 5000; n++) rows.push(n % 1000 === 999 ? `text ${n}` : n);
  for (const [n, row] of rows.entries()) channel.append(row, n, n);
  channel.writeWatermark(3);
  channel.append('after', 1, 2);
  channel.writeEnd();
  t.true(channel.overflowBytes() > 0);
  const read = readAll(channel);
  t.deepEqual(valuesOf(read), [...rows, 'after']);
  t.deepEqual(read[QUEUED_ROWS_MAX + 100], {
    row: rows[QUEUED_ROWS_MAX + 100],
    timestamp: QUEUED_ROWS_MAX + 100,
    hash: QUEUED_ROWS_MAX + 100,
  });
  t.deepEqual(
    read.filter((each) => typeof each === 'string' || 'watermark' in each),
    [{ watermark: 3 }, 'end'],
  );
  t.true(channel.hasCredit());
});

test('batches are used again without keeping old rows alive', (t) => {
  const { channel } = localChannel();
  channel.append({ id: 1 }, 0, 0);
  channel.flush();
  channel.poll();
  const { batch } = channel;
  channel.release();
  t.is(batch.count, 0);
  t.is(batch.values[0], undefined);
});
