/**
 * What unaligned checkpoints keep of a channel: the rows before the barrier, wherever they lie, in
 * order, once.
 */
import test from 'ava';
import fc from 'fast-check';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { InputChannel, OutputChannel } from './channel.ts';
import {
  anyBarrier,
  overflowQueue,
  type Read,
  readAll,
  readElement,
  ringChannel,
  valuesOf,
} from './channel.test-kit.ts';
import { ChannelCapture, replayCapture } from './channel-capture.ts';
import { EdgeSchema } from './edge-schema.ts';
import { BARRIER, NOTHING } from './element.ts';
import { LocalChannel, QUEUED_ROWS_MAX } from './local-channel.ts';

interface Ends {
  readonly output: OutputChannel;
  readonly input: InputChannel;
}

const captured = (): EdgeSchema => new EdgeSchema(undefined, false, 'producer');

function localChannel(overflowBytes?: number): Ends {
  const channel = new LocalChannel(captured(), overflowQueue(overflowBytes).queue);
  return { output: channel, input: channel };
}

const KINDS: Readonly<Record<string, (overflowBytes?: number) => Ends>> = {
  local: localChannel,
  ring: (overflowBytes) => ringChannel(captured(), 65_536, overflowBytes),
};

/** The rows that were captured, as they come out on a restore. */
function replayed(...captures: readonly (ChannelCapture | undefined)[]): unknown[] {
  const rows: unknown[] = [];
  for (const capture of captures) {
    replayCapture(Buffer.concat(capture?.parts ?? []), (value) => rows.push(value));
  }
  return rows;
}

function write(output: OutputChannel, rows: readonly unknown[]): void {
  for (const row of rows) output.append(row, 7, 3);
}

/** Everything that comes until nothing does, barriers by their ids. */
function drain({ output, input }: Ends): (Read | { readonly barrier: number })[] {
  const all: (Read | { readonly barrier: number })[] = [];
  for (;;) {
    const isDrained = output.isDrained();
    output.publish();
    const kind = input.poll();
    if (kind === BARRIER) {
      all.push({ barrier: input.barrier.checkpointId });
      input.release();
    } else if (kind !== NOTHING) all.push(...readElement(input));
    else if (isDrained) return all;
  }
}

function barrier(checkpointId: number): CheckpointBarrier {
  return anyBarrier(checkpointId);
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

for (const [kind, open] of Object.entries(KINDS)) {
  test(`${kind}: unread rows before the barrier are captured, and still come`, (t) => {
    const ends = open();
    const { output, input } = ends;
    write(output, ['read before']);
    output.flush();
    output.publish();
    readElement(input);
    write(output, [1, 2]);
    output.writeWatermark(5);
    write(output, [3]);
    t.is(output.writeBarrier(barrier(9), true), undefined, 'nothing was overtaken');
    write(output, ['behind']);
    output.flush();
    output.publish();
    const capture = new ChannelCapture();
    t.true(input.captureUnread(9, capture));
    t.deepEqual(replayed(capture), [1, 2, 3]);
    t.is(capture.rows, 3);
    const rest = drain(ends);
    t.deepEqual(valuesOf(rest as Read[]), [1, 2, 3, 'behind']);
    t.false(rest.some((each) => typeof each === 'object' && 'barrier' in each));
  });

  test(`${kind}: before its barrier has come nothing is captured`, (t) => {
    const { output, input } = open();
    write(output, [1, 2]);
    output.writeBarrier(barrier(8), true);
    write(output, [3]);
    output.flush();
    output.publish();
    const capture = new ChannelCapture();
    t.false(input.captureUnread(9, capture));
    t.is(capture.byteLength, 0);
    t.is(input.poll() === NOTHING, false);
    readElement(input);
    t.is(input.poll(), BARRIER);
    t.is(input.barrier.checkpointId, 8);
    input.release();
    readElement(input);
    output.writeBarrier(barrier(9), true);
    output.publish();
    t.true(input.captureUnread(9, capture));
    t.is(capture.rows, 0);
  });

  test(`${kind}: an end stands for the barrier`, (t) => {
    const { output, input } = open();
    write(output, [1, 2]);
    output.writeEnd();
    output.publish();
    const capture = new ChannelCapture();
    t.true(input.captureUnread(9, capture));
    t.deepEqual(replayed(capture), [1, 2]);
    t.deepEqual(readAll(input).at(-1), 'end');
  });

  test(`${kind}: the element that is being looked at is captured, too`, (t) => {
    const { output, input } = open();
    write(output, [1]);
    output.flush();
    write(output, [2]);
    output.writeBarrier(barrier(1), true);
    output.publish();
    input.poll();
    const current = new ChannelCapture();
    input.captureCurrent(current);
    t.deepEqual(replayed(current), [1]);
    const capture = new ChannelCapture();
    t.true(input.captureUnread(1, capture));
    t.deepEqual(replayed(capture), [1, 2], 'it was not released');
  });

  test(`${kind}: types that widen on the way are kept`, (t) => {
    const { output, input } = open();
    const rows = [1, 2.5, 'text', { a: 1 }, { a: 1, b: [2] }, null, 7n, new Map([[1, 2]])];
    write(output, rows);
    output.writeBarrier(barrier(1), true);
    output.publish();
    const capture = new ChannelCapture();
    t.true(input.captureUnread(1, capture));
    t.deepEqual(replayed(capture), rows);
  });

  for (const overflowBytes of [1_000_000, 1024]) {
    const where = overflowBytes === 1024 ? 'on disk' : 'in memory';
    test(`${kind}: rows in the overflow queue ${where} are captured`, (t) => {
      const ends = open(overflowBytes);
      const { output, input } = ends;
      const rows = numbers(0, QUEUED_ROWS_MAX + 9000);
      write(output, rows);
      const overtaken = output.writeBarrier(barrier(4), true);
      write(output, ['behind']);
      output.flush();
      output.publish();
      t.true(output.overflowBytes() > 0);
      const capture = new ChannelCapture();
      t.true(input.captureUnread(4, capture));
      t.deepEqual(replayed(capture, overtaken), rows);
      t.deepEqual(valuesOf(drain(ends) as Read[]), [...rows, 'behind']);
    });
  }
}

test('ring: a barrier overtakes what waits for room, and comes before it', (t) => {
  const ends = ringChannel(captured(), 65_536);
  const rows = numbers(0, 20_000);
  write(ends.output, rows);
  const overtaken = ends.output.writeBarrier(barrier(4), true);
  const inRing = rows.length - (overtaken?.rows ?? 0);
  t.true(inRing > 0 && inRing < rows.length);
  t.deepEqual(replayed(overtaken), rows.slice(inRing));
  const all = drain(ends);
  const at = all.findIndex((each) => typeof each === 'object' && 'barrier' in each);
  t.is(at, inRing, 'it comes between what was in the ring and what was not');
  t.deepEqual(valuesOf(all as Read[]), rows);
  t.is(all.length, rows.length + 1, 'and once');
});

test('ring: a barrier that may not overtake waits for its turn', (t) => {
  const ends = ringChannel(captured(), 4096);
  const rows = numbers(0, 5000);
  write(ends.output, rows);
  t.is(ends.output.writeBarrier(barrier(4), false), undefined);
  t.deepEqual(drain(ends).at(-1), { barrier: 4 });
});

test('ring: an element that is half on its way is not overtaken', (t) => {
  const ends = ringChannel(captured(), 4096);
  const { output, input } = ends;
  write(output, ['x'.repeat(50_000)]);
  output.flush();
  t.is(output.writeBarrier(barrier(4), true), undefined);
  const capture = new ChannelCapture();
  t.false(input.captureUnread(4, capture), 'the barrier is on the other side');
  const all = drain(ends);
  t.is((valuesOf(all as Read[])[0] as string).length, 50_000);
  t.deepEqual(all.at(-1), { barrier: 4 });
});

test('ring: records in parts are captured whole, wherever the reader stands', (t) => {
  for (let polls = 0; polls < 12; polls++) {
    const ends = ringChannel(captured(), 16_384);
    const { output, input } = ends;
    const rows = ['small', 'a'.repeat(13_000), 'b'];
    for (const row of rows) {
      write(output, [row]);
      output.flush();
    }
    output.writeBarrier(barrier(4), true);
    output.publish();
    const read: unknown[] = [];
    for (let poll = 0; poll < polls; poll++) {
      const kind = input.poll();
      if (kind === NOTHING || kind === BARRIER) break;
      if (poll % 2 === 1) read.push(...valuesOf(readElement(input)));
      output.isDrained();
    }
    const capture = new ChannelCapture();
    if (!input.captureUnread(4, capture)) continue;
    t.deepEqual([...read, ...replayed(capture)], rows, `after ${polls} polls`);
  }
});

test('ring: a mark before padding is seen between the right rows', (t) => {
  // Frames of growing size, so that the last one before the mark ends at every place of the ring.
  for (let first = 1; first < 1900; first += 24) {
    const ends = ringChannel(captured(), 4096);
    const { output } = ends;
    const rows = ['r'.repeat(first), 's'.repeat(1500), 't'.repeat(1500), 'u'.repeat(1500), 'v'];
    for (const row of rows) {
      write(output, [row]);
      output.flush();
    }
    const overtaken = output.writeBarrier(barrier(2), true);
    const all = drain(ends);
    const at = all.findIndex((each) => typeof each === 'object' && 'barrier' in each);
    t.is(at, rows.length - (overtaken?.rows ?? 0), `first row of ${first} characters`);
    t.deepEqual(valuesOf(all as Read[]), rows);
  }
});

test('damaged captures are refused', (t) => {
  const capture = new ChannelCapture();
  const { output, input } = localChannel();
  write(output, [1, 2, 3]);
  output.writeBarrier(barrier(1), true);
  input.captureUnread(1, capture);
  const bytes = Buffer.concat(capture.parts);
  for (const damage of [0, 4]) {
    const copy = Buffer.from(bytes);
    copy.writeInt32LE(-5, damage);
    t.throws(() => replayCapture(copy, () => {}), { code: 'FORMAT_INVALID' });
  }
  t.throws(() => replayCapture(bytes.subarray(0, bytes.length - 8), () => {}), {
    code: 'FORMAT_INVALID',
  });
});

/** The slow, obvious channel: a list of rows and barriers. */
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      row: fc.oneof(
        fc.integer(),
        fc.string({ maxLength: 3000, size: 'max' }),
        fc.record({ a: fc.integer(), b: fc.string() }),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant('flush' as const) },
  { weight: 1, arbitrary: fc.constant('watermark' as const) },
  { weight: 1, arbitrary: fc.constant('barrier' as const) },
  { weight: 4, arbitrary: fc.constant('read' as const) },
  { weight: 2, arbitrary: fc.constant('cut' as const) },
);

/** Much waits on the producer's side, in memory and on disk. */
const tiny = (kind: string): Ends =>
  kind === 'local' ? localChannel(4096) : ringChannel(captured(), 8192, 4096);

for (const kind of Object.keys(KINDS)) {
  test(`${kind}: at any cut, what was read and what is captured are all before the barrier`, (t) => {
    const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      new CutModel(tiny(kind)).run(actions);
    });
    fc.assert(property, { numRuns: 200 });
    t.pass();
  });
}

/**
 * One checkpoint after the other as a task at the far end sees it: it cuts at some moment after the
 * barrier was written, and what was read before the cut, then what comes in up to the barrier, must
 * be what was written before the barrier.
 */
class CutModel {
  readonly #ends: Ends;
  readonly #written: unknown[] = [];
  readonly #read: unknown[] = [];
  #checkpointId = 0;
  /**
   * How many rows had been written before the barrier under way, and what its producer's side has
   * captured.
   */
  #before: number | undefined;
  #overtaken: ChannelCapture | undefined;

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  run(actions: readonly (typeof action extends fc.Arbitrary<infer A> ? A : never)[]): void {
    for (const each of actions) {
      if (each === 'flush') this.#ends.output.flush();
      else if (each === 'watermark') this.#ends.output.writeWatermark(this.#written.length);
      else if (each === 'barrier') this.#writeBarrier();
      else if (each === 'read') this.#readOne();
      else if (each === 'cut') this.#cut();
      else {
        this.#ends.output.append(each.row, 0, 0);
        this.#written.push(each.row);
      }
      this.#ends.output.publish();
    }
    this.#ends.output.flush();
    for (let idle = 0; idle < 3; idle++) {
      this.#ends.output.isDrained();
      this.#ends.output.publish();
      if (this.#readOne()) idle = -1;
    }
    expectEqual(this.#read, this.#written);
  }

  #writeBarrier(): void {
    if (this.#before !== undefined) return;
    this.#before = this.#written.length;
    this.#checkpointId++;
    this.#overtaken = this.#ends.output.writeBarrier(barrier(this.#checkpointId), true);
  }

  /** The barrier comes by itself: what was read is what was written before it and not overtaken. */
  #readOne(): boolean {
    const { input } = this.#ends;
    const kind = input.poll();
    if (kind === NOTHING) return false;
    if (kind === BARRIER) {
      expectEqual(input.barrier.checkpointId, this.#checkpointId);
      input.release();
      this.#isWhole([]);
      return true;
    }
    this.#read.push(...valuesOf(readElement(input)));
    return true;
  }

  /** The task goes ahead, and takes what lies before the barrier. */
  #cut(): void {
    if (this.#before === undefined) return;
    const capture = new ChannelCapture();
    if (this.#ends.input.captureUnread(this.#checkpointId, capture)) {
      this.#isWhole(replayed(capture));
    }
  }

  #isWhole(inFlight: readonly unknown[]): void {
    const all = [...this.#read, ...inFlight, ...replayed(this.#overtaken)];
    expectEqual(all, this.#written.slice(0, this.#before));
    this.#before = undefined;
    this.#overtaken = undefined;
  }
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`got ${a}, expected ${b}`);
}
