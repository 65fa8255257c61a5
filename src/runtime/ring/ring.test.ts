/** The ring alone, in one thread: its contract, and a queue of arrays as its oracle. */
import test from 'ava';
import fc from 'fast-check';
import { RingReader, RingWriter, allocateRing } from './index.ts';
import { allocateRingAt } from './memory.ts';
import { CAPACITY_BYTES_MAX, VERSION_WORD } from './ring-layout.ts';

const CAPACITY_BYTES = 4096;
const FRAME_BYTES_MAX = CAPACITY_BYTES / 2 - 8;

function send(writer: RingWriter, kind: number, bytes: Uint8Array): boolean {
  const offset = writer.tryReserve(bytes.length);
  if (offset < 0) return false;
  writer.memory.bytes.set(bytes, offset);
  writer.commit(kind, bytes.length);
  return true;
}

test('a frame arrives with its kind and bytes', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  send(writer, 0x7fff_ffff, Uint8Array.of(1, 2, 3));
  writer.publish();
  t.true(reader.poll());
  t.is(reader.kind, 0x7fff_ffff);
  t.is(reader.byteLength, 3);
  t.deepEqual([...reader.memory.bytes.subarray(reader.offset, reader.offset + 3)], [1, 2, 3]);
  t.is(reader.memory.buffer.toString('latin1', reader.offset, reader.offset + 1), '\u0001');
});

test('a frame is invisible until it is published', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  send(writer, 0, Uint8Array.of(1));
  t.false(reader.poll());
  t.true(reader.isEmpty());
  writer.publish();
  t.false(reader.isEmpty());
  t.true(reader.poll());
});

test('poll stays at the same frame until release', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  send(writer, 1, new Uint8Array(8));
  send(writer, 2, new Uint8Array(8));
  writer.publish();
  t.true(reader.poll() && reader.poll());
  t.is(reader.kind, 1);
  reader.release();
  t.true(reader.poll());
  t.is(reader.kind, 2);
});

test('commit may shrink the reservation, and the rest is free again', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  writer.tryReserve(1000);
  writer.commit(0, 16);
  t.is(writer.usedBytes(), 24);
});

test('a reservation that is not committed costs nothing', (t) => {
  const writer = new RingWriter(allocateRing(CAPACITY_BYTES));
  const offset = writer.tryReserve(100);
  t.is(writer.tryReserve(200), offset);
  t.is(writer.usedBytes(), 0);
});

test('an empty ring grants the largest frame at every position', (t) => {
  for (let position = 0; position < 64; position += 8) {
    const writer = new RingWriter(allocateRingAt(64, position));
    t.is(writer.freeBytes(), writer.frameBytesMax);
    t.true(writer.tryReserve(writer.frameBytesMax) >= 0, `position ${position}`);
  }
});

test('both sides may open a ring that already has frames', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const first = new RingWriter(shared);
  send(first, 1, Uint8Array.of(1));
  first.publish();
  const second = new RingWriter(shared);
  send(second, 2, Uint8Array.of(2));
  second.publish();
  const reader = new RingReader(shared);
  t.is(reader.usedBytes(), 32);
  t.true(reader.poll());
  reader.release();
  const next = new RingReader(shared);
  t.true(next.poll());
  t.is(next.kind, 2);
});

test('a ring of a size that is no power of two from 4 KiB to 1 GiB is refused', (t) => {
  for (const bytes of [0, 2048, 5000, 4096.5, NaN, -4096, CAPACITY_BYTES_MAX * 2]) {
    t.throws(() => allocateRing(bytes), { code: 'ILLEGAL_ARGUMENT', message: /power of two/ });
  }
});

test('memory that is no ring of this version is refused by both sides', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  new Int32Array(shared)[VERSION_WORD] = 0x4d52_0002;
  for (const Side of [RingWriter, RingReader]) {
    const otherVersion = { code: 'FORMAT_INVALID', message: /0x4d520002.*0x4d520001/ };
    t.throws(() => new Side(shared), otherVersion);
    const tooSmall = { code: 'FORMAT_INVALID', message: /too small/ };
    t.throws(() => new Side(new SharedArrayBuffer(8)), tooSmall);
  }
});

test('misuse fails with what was wrong', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  t.throws(() => writer.tryReserve(FRAME_BYTES_MAX + 1), { code: 'FRAME_TOO_LARGE' });
  t.throws(() => writer.tryReserve(-1), { code: 'FRAME_TOO_LARGE' });
  t.throws(() => writer.commit(0, 0), { code: 'ILLEGAL_STATE', message: /nothing/ });
  writer.tryReserve(8);
  t.throws(() => writer.commit(0, 9), { code: 'ILLEGAL_STATE', message: /8 bytes/ });
  for (const kind of [-1, 0.5, 2 ** 31, NaN]) {
    t.throws(() => writer.commit(kind, 8), { code: 'ILLEGAL_ARGUMENT' });
  }
  t.throws(() => reader.release(), { code: 'ILLEGAL_STATE' });
});

test('a record overwritten by somebody else is found out', (t) => {
  const shared = allocateRing(CAPACITY_BYTES);
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  send(writer, 0, new Uint8Array(8));
  writer.publish();
  writer.memory.int32[0] = 4000;
  t.throws(() => reader.poll(), { code: 'FORMAT_INVALID' });
});

interface Frame {
  readonly kind: number;
  readonly bytes: readonly number[];
}

/** The slow, obvious version: a queue of frames, of which the first `published` are visible. */
interface Queue {
  readonly frames: Frame[];
  published: number;
}

interface Ring {
  readonly writer: RingWriter;
  readonly reader: RingReader;
}

type RingCommand = fc.Command<Queue, Ring>;

function fail(what: string): never {
  throw new Error(what);
}

function writeCommand(kind: number, byteLength: number, unusedBytes: number): RingCommand {
  return {
    check: () => true,
    run(queue, { writer }) {
      const reserved = Math.min(byteLength + unusedBytes, writer.frameBytesMax);
      const credit = writer.freeBytes();
      const offset = writer.tryReserve(reserved);
      if (offset < 0) {
        if (reserved <= credit && credit > 0) fail(`credit of ${credit}, but ${reserved} refused`);
        if (queue.frames.length === 0) fail(`an empty ring refused ${reserved}`);
        return;
      }
      if (offset % 8 !== 0) fail(`offset ${offset} is not aligned`);
      const bytes = Array.from({ length: byteLength }, (_, index) => (kind + index) & 0xff);
      writer.memory.bytes.fill(0xee, offset, offset + reserved);
      writer.memory.bytes.set(bytes, offset);
      writer.commit(kind, byteLength);
      queue.frames.push({ kind, bytes });
    },
    toString: () => `write(${kind}, ${byteLength} of ${byteLength + unusedBytes})`,
  };
}

const publishCommand: RingCommand = {
  check: () => true,
  run(queue, { writer }) {
    writer.publish();
    queue.published = queue.frames.length;
  },
  toString: () => 'publish',
};

function readCommand(framesMax: number): RingCommand {
  return {
    check: () => true,
    run(queue, { reader }) {
      for (let index = 0; index < framesMax; index++) {
        if (reader.isEmpty() !== (queue.published === 0)) fail('isEmpty is wrong');
        if (reader.poll() !== queue.published > 0) fail('poll is wrong');
        const frame = queue.frames[0];
        if (frame === undefined || queue.published === 0) return;
        const bytes = reader.memory.bytes.slice(reader.offset, reader.offset + reader.byteLength);
        if (reader.kind !== frame.kind) fail(`kind ${reader.kind}, not ${frame.kind}`);
        if (bytes.join() !== frame.bytes.join()) fail(`bytes ${bytes.join()}`);
        reader.release();
        queue.frames.shift();
        queue.published--;
      }
    },
    toString: () => `read(${framesMax})`,
  };
}

const FIRST_POSITIONS = [0, 2 ** 31 - 8, 2 ** 31 - 4096, -8, -2048, -(2 ** 31)];

for (const capacityBytes of [16, 64, CAPACITY_BYTES]) {
  test(`a ring of ${capacityBytes} bytes behaves like a queue of arrays`, (t) => {
    const frameBytesMax = capacityBytes / 2 - 8;
    const byteLength = fc.oneof(
      fc.constantFrom(...[0, 1, 7, 8, frameBytesMax].filter((bytes) => bytes <= frameBytesMax)),
      fc.integer({ min: 0, max: frameBytesMax }),
    );
    const kind = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(2 ** 31 - 1));
    const commands = fc.commands(
      [
        fc.tuple(kind, byteLength, fc.nat(24)).map((args) => writeCommand(...args)),
        fc.constant(publishCommand),
        fc.integer({ min: 1, max: 4 }).map(readCommand),
      ],
      { maxCommands: 200, size: 'max' },
    );
    const property = fc.property(commands, fc.constantFrom(...FIRST_POSITIONS), (run, position) => {
      const shared = allocateRingAt(capacityBytes, position);
      const real = { writer: new RingWriter(shared), reader: new RingReader(shared) };
      fc.modelRun(() => ({ model: { frames: [], published: 0 }, real }), run);
    });
    t.notThrows(() => fc.assert(property, { numRuns: 300 }));
  });
}
