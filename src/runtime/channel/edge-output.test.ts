import test from 'ava';
import { hashKey } from '../../base/hash.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { JobEdge, PartitionerSpec } from '../../graph/job-graph.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import { anyBarrier, overflowQueue, readAll, ringChannel, valuesOf } from './channel.test-kit.ts';
import { EdgeOutput, frameWriterSlot } from './edge-output.ts';
import { EdgeSchema } from './edge-schema.ts';
import { LocalChannel } from './local-channel.ts';
import { RingInput } from './ring-input.ts';
import { RingOutput } from './ring-output.ts';
import { allocateRing } from '../ring/memory.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RingWriter } from '../ring/ring-writer.ts';
import type { InputChannel, OutputChannel } from './channel.ts';

interface TestEdge {
  readonly output: EdgeOutput;
  /** What each target has got since the last call. */
  received(): unknown[][];
}

/** An edge to `targets` subtasks of which `local` (an index, or all) lies on this thread. */
function edgeTo(
  targets: number,
  partitioner: PartitionerSpec,
  local: number | 'all' | 'none',
  bufferTimeoutMs = 1,
): TestEdge {
  const schema = new EdgeSchema(undefined, partitioner.kind === 'hash', 'producer');
  const frameWriters: FrameWriter[] = [];
  const inputs: InputChannel[] = [];
  const channels: OutputChannel[] = [];
  for (let index = 0; index < targets; index++) {
    if (local === 'all' || local === index) {
      const channel = new LocalChannel(schema, overflowQueue().queue);
      channels.push(channel);
      inputs.push(channel);
      continue;
    }
    const ring = allocateRing(65_536);
    const slot = frameWriterSlot(frameWriters, index);
    channels.push(new RingOutput(new RingWriter(ring), schema, overflowQueue().queue, slot));
    inputs.push(new RingInput(new RingReader(ring), anyBarrier));
  }
  const edge: JobEdge = {
    index: 0,
    source: { vertex: 0, node: 0 },
    tag: undefined,
    target: { vertex: 1, input: 0 },
    partitioner,
    keySelector: partitioner.kind === 'hash' ? (row: { k: unknown }) => row.k : undefined,
    type: undefined,
    exchange: 'pipelined',
    bufferTimeoutMs,
  };
  const environment = simulatedEnvironment({ seed: 4 });
  const output = new EdgeOutput({
    edge,
    schema,
    channels,
    frameWriters,
    targetMaxParallelism: 128,
    environment,
  });
  const received = (): unknown[][] => {
    output.flush();
    output.publish();
    return inputs.map((input) => valuesOf(readAll(input)));
  };
  return { output, received };
}

for (const local of ['all', 'none', 1] as const) {
  const rows = Array.from({ length: 3000 }, (_, n) => ({ k: n % 50, n }));

  test(`rebalance and rescale take turns; local channels: ${local}`, (t) => {
    for (const kind of ['rebalance', 'rescale'] as const) {
      const { output, received } = edgeTo(3, { kind }, local);
      for (const row of rows) output.write(row, 0);
      const got = received();
      t.deepEqual(
        got.map(({ length }) => length),
        [1000, 1000, 1000],
      );
      t.deepEqual(new Set(got.flat().map((row) => (row as { n: number }).n)).size, 3000);
    }
  });

  test(`hash sends a key's records to one channel, in order, with their hashes; local channels: ${local}`, (t) => {
    const { output, received } = edgeTo(3, { kind: 'hash' }, local);
    for (const row of rows) output.write(row, 0);
    const homes = new Map<number, number>();
    const got = received() as { k: number; n: number }[][];
    t.is(got.flat().length, 3000);
    for (const [channel, found] of got.entries()) {
      for (const { k } of found) {
        t.is(homes.get(k) ?? channel, channel);
        homes.set(k, channel);
      }
      const inOrder = found.every((row, i) => i === 0 || (found[i - 1]?.n ?? 0) < row.n);
      t.true(inOrder);
    }
    t.true(got.every(({ length }) => length > 0));
  });

  test(`broadcast sends every record everywhere; local channels: ${local}`, (t) => {
    const { output, received } = edgeTo(3, { kind: 'broadcast' }, local);
    for (const row of rows) output.write(row, 0);
    for (const got of received()) t.deepEqual(got, rows);
  });

  test(`shuffle reaches every channel and loses nothing; local channels: ${local}`, (t) => {
    const { output, received } = edgeTo(3, { kind: 'shuffle' }, local);
    for (const row of rows) output.write(row, 0);
    const got = received();
    t.is(got.flat().length, 3000);
    t.true(got.every(({ length }) => length > 800));
  });

  test(`a custom partitioner chooses, and its choice is checked; local channels: ${local}`, (t) => {
    const choose = (key: number, count: number): number => (key < 0 ? key : key % count);
    const custom = { kind: 'custom', partitioner: choose, keySelector: (n: number) => n } as const;
    const { output, received } = edgeTo(3, custom, local);
    for (let n = 0; n < 9; n++) output.write(n, 0);
    t.deepEqual(received(), [
      [0, 3, 6],
      [1, 4, 7],
      [2, 5, 8],
    ]);
    t.throws(() => output.write(-1, 0), {
      code: 'ILLEGAL_ARGUMENT',
      message: /returned -1.*0 to 2/,
    });
    t.throws(() => output.write(0.5, 0), { code: 'ILLEGAL_ARGUMENT' });
    t.throws(() => output.write(Number.NaN, 0), { code: 'ILLEGAL_ARGUMENT' });
  });
}

test('a keyed row carries the hash of its key', (t) => {
  const { output } = edgeTo(1, { kind: 'hash' }, 'all');
  output.write({ k: 'Oslo' }, 3);
  output.flush();
  output.publish();
  const [channel] = output.channels as LocalChannel[];
  t.deepEqual(readAll(channel as LocalChannel), [
    { row: { k: 'Oslo' }, timestamp: 3, hash: hashKey('Oslo') },
  ]);
});

test('a null key is refused', (t) => {
  for (const local of ['all', 'none'] as const) {
    const { output } = edgeTo(2, { kind: 'hash' }, local);
    t.throws(() => output.write({ k: null }, 0), { code: 'KEY_INVALID' });
  }
});

test('staged rows are flushed when they have waited for the buffer timeout', (t) => {
  const { output } = edgeTo(1, { kind: 'forward' }, 'none', 10);
  t.is(output.flushIfDue(100), Infinity, 'nothing is staged');
  output.write(1, 0);
  t.is(output.flushIfDue(100), 110);
  t.is(output.flushIfDue(109), 110);
  t.is(output.stagedRows(), 1);
  t.is(output.flushIfDue(110), Infinity);
  t.is(output.stagedRows(), 0);
});

test('with a timeout of -1 only full batches go', (t) => {
  const { output } = edgeTo(1, { kind: 'forward' }, 'none', -1);
  output.write(1, 0);
  t.is(output.flushIfDue(1e9), Infinity);
  t.is(output.stagedRows(), 1);
});

test('credit needs room in every channel', (t) => {
  const schema = new EdgeSchema(undefined, false, 'producer');
  const { output, input } = ringChannel(schema);
  t.true(output.hasCredit());
  for (let n = 0; n < 5000; n++) output.append(`row ${n}`, 0, 0);
  t.false(output.hasCredit());
  while (!output.hasCredit()) readAll(input);
  t.pass();
});
