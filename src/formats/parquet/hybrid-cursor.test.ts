import test from 'ava';
import fc from 'fast-check';
import { HybridCursor } from './hybrid-cursor.ts';

test('it reads what an obvious writer wrote, in parts of any size, at any width', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 32 }),
      fc.array(fc.tuple(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 40 })), {
        minLength: 1,
        maxLength: 10,
      }),
      fc.integer({ min: 1, max: 50 }),
      (width, runs, part) => {
        const { bytes, values } = writeRuns(width, runs);
        const cursor = new HybridCursor(bytes, { start: 0, end: bytes.length }, width);
        const read: number[] = [];
        while (read.length < values.length) {
          const count = Math.min(part, values.length - read.length);
          const target = new Int32Array(count);
          cursor.read(target, count);
          read.push(...target);
        }
        t.deepEqual(
          read.map((value) => value >>> 0),
          values,
        );
      },
    ),
    { numRuns: 500 },
  );
});

function writeRuns(
  width: number,
  runs: readonly (readonly [boolean, number, number])[],
): { bytes: Uint8Array; values: number[] } {
  const bytes: number[] = [];
  const values: number[] = [];
  for (const [isPacked, seed, length] of runs) {
    if (isPacked) {
      const groups = Math.ceil(length / 8);
      bytes.push((groups << 1) | 1);
      let bits = '';
      for (let i = 0; i < groups * 8; i++) {
        const value = Number(
          (BigInt(seed) * 2654435761n + BigInt(i * 40503)) % 2n ** BigInt(width),
        );
        values.push(value);
        bits = value.toString(2).padStart(width, '0') + bits;
      }
      for (let end = bits.length; end > 0; end -= 8)
        bytes.push(Number.parseInt(bits.slice(end - 8, end), 2));
    } else {
      const value = Number(BigInt(seed) % 2n ** BigInt(width));
      bytes.push(length << 1);
      for (let i = 0; i < Math.ceil(width / 8); i++) bytes.push(Math.floor(value / 256 ** i) % 256);
      for (let i = 0; i < length; i++) values.push(value);
    }
  }
  return { bytes: Uint8Array.from(bytes), values };
}
