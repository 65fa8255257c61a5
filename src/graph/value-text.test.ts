import test from 'ava';
import { ELEMENTS_MAX, valueText } from './value-text.ts';

class Threshold {
  readonly least: number;

  constructor(least: number) {
    this.least = least;
  }

  filter(value: number): boolean {
    return value >= this.least;
  }
}

test('the order of fields does not count, their values do', (t) => {
  t.is(valueText({ a: 1, b: 'x' }), valueText({ b: 'x', a: 1 }));
  t.not(valueText({ a: 1 }), valueText({ a: '1' }));
});

test('instances are told apart by class and fields', (t) => {
  t.is(valueText(new Threshold(1)), valueText(new Threshold(1)));
  t.not(valueText(new Threshold(1)), valueText(new Threshold(2)));
  t.not(valueText(new Threshold(1)), valueText({ least: 1 }));
});

test('classes of one name with other methods differ', (t) => {
  const a = class Named {
    map(): number {
      return 1;
    }
  };
  const b = class Named {
    map(): number {
      return 2;
    }
  };
  t.not(valueText(new a()), valueText(new b()));
});

test('functions are their source', (t) => {
  t.is(
    valueText((v: number) => v + 1),
    '(v        ) => v + 1',
  );
});

test('cycles and deep nesting end', (t) => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  t.is(valueText(cycle), '{self:↑1}');
  let deep: unknown = 1;
  for (let level = 0; level < 100; level++) deep = [deep];
  t.true(valueText(deep).includes('…'));
});

test('long collections are cut, but their size counts', (t) => {
  const long = Array.from({ length: ELEMENTS_MAX + 1 }, () => 0);
  t.not(valueText(long), valueText([...long, 0]));
});

test('wide nested data end early', (t) => {
  let wide: unknown = 1;
  for (let level = 0; level < 7; level++) wide = Array.from({ length: ELEMENTS_MAX }, () => wide);
  t.true(valueText(wide).length < 3_000_000);
});

test('numbers, bigints, dates, maps and sets have texts of their own', (t) => {
  const texts = [
    0,
    -0,
    0n,
    null,
    undefined,
    new Date(0),
    new Map([[0, 1]]),
    new Set([0, 1]),
    [0, 1],
    '0',
  ].map(valueText);
  t.is(new Set(texts).size, texts.length);
});
