import test from 'ava';
import fc from 'fast-check';
import { hashKey } from '../../base/hash.ts';
import { KeyFilter } from './key-filter.ts';

test('what was added is found, also after bytes and back', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer(), fc.integer({ max: 3, min: 0 }))), (keys) => {
      const filter = new KeyFilter();
      for (const [hash, salt] of keys) filter.add(hash, salt);
      const again = new KeyFilter();
      again.load(filter.encode());
      return keys.every(([hash, salt]) => filter.mayHave(hash, salt) && again.mayHave(hash, salt));
    }),
  );
  t.pass();
});

test('of what was not added few are found, through growth', (t) => {
  const filter = new KeyFilter();
  const keys = 200_000;
  for (let key = 0; key < keys; key++) filter.add(hashKey(key), 1);
  let isFound = 0;
  for (let key = keys; key < 2 * keys; key++) if (filter.mayHave(hashKey(key), 1)) isFound++;
  t.true(isFound / keys < 0.03, `${isFound} of ${keys}`);
  let isSaltIgnored = 0;
  for (let key = 0; key < keys; key++) if (filter.mayHave(hashKey(key), 2)) isSaltIgnored++;
  t.true(isSaltIgnored / keys < 0.03, `${isSaltIgnored} of ${keys}`);
  t.true(filter.keys > 0.97 * keys && filter.bytes < 4 * keys, `${filter.bytes} bytes`);
});

test('keys of a narrow range of hashes are spread', (t) => {
  const filter = new KeyFilter();
  for (let i = 0; i < 50_000; i++) filter.add(0x70000000 + 2 * i, 0);
  let isFound = 0;
  for (let i = 0; i < 50_000; i++) if (filter.mayHave(0x70000001 + 2 * i, 0)) isFound++;
  t.true(isFound < 1500, String(isFound));
});

test('damaged bytes are refused', (t) => {
  const filter = new KeyFilter();
  filter.add(1, 1);
  const bytes = filter.encode();
  for (const length of [0, 7, 12, bytes.length - 1])
    t.throws(() => new KeyFilter().load(bytes.subarray(0, length)), { code: 'FORMAT_INVALID' });
});
