import test from 'ava';
import { frameMemoryOf } from './frame-memory.ts';

test('one byte offset means the same place in every view', (t) => {
  const memory = frameMemoryOf(new SharedArrayBuffer(64), 16, 32);
  memory.float64[1] = 1;
  t.is(memory.int32[3], 0x3ff0_0000);
  t.is(memory.bytes[15], 0x3f);
  t.is(memory.buffer.readDoubleLE(8), 1);
  t.is(memory.bytes.byteLength, 32);
  t.is(memory.buffer.byteLength, 32);
});

test('a region is the whole buffer if nothing else is said', (t) => {
  t.is(frameMemoryOf(new ArrayBuffer(24)).float64.length, 3);
  t.is(frameMemoryOf(new ArrayBuffer(24), 8).float64.length, 2);
});

test('a region that is not 8-aligned, or not inside its buffer, is refused', (t) => {
  const buffer = new ArrayBuffer(64);
  t.throws(() => frameMemoryOf(buffer, 4), { code: 'ILLEGAL_ARGUMENT', message: /offset .* 4:/ });
  const badLength = { code: 'ILLEGAL_ARGUMENT', message: /length .* 12:/ };
  t.throws(() => frameMemoryOf(buffer, 0, 12), badLength);
  t.throws(() => frameMemoryOf(buffer, 8, 64), { code: 'ILLEGAL_ARGUMENT', message: /leaves its/ });
});
