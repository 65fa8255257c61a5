import test from 'ava';
import { digest } from './digest.ts';

test('digests are those of FNV-1a with 128 bits', (t) => {
  t.is(digest(''), '6c62272e07bb014262b821756295c58d');
  t.is(digest('a'), 'd228cb696f1a8caf78912b704e4a8964');
  t.is(digest('foobar'), '343e1662793c64bf6f0d3597ba446f18');
});

test('texts that differ in one letter or in their order differ in their digest', (t) => {
  const texts = Array.from({ length: 10_000 }, (_, index) => `uid operator-${index}`);
  texts.push('ab', 'ba', 'aé', 'a\u0000', 'a');
  t.is(new Set(texts.map(digest)).size, texts.length);
});
