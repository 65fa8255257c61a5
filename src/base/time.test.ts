import test from 'ava';
import {
  days,
  formatDuration,
  hours,
  milliseconds,
  minutes,
  parseDuration,
  seconds,
} from './time.ts';

test('units are milliseconds', (t) => {
  t.deepEqual(
    [milliseconds(7), seconds(5), minutes(2), hours(1), days(1)],
    [7, 5000, 120_000, 3_600_000, 86_400_000],
  );
});

for (const [text, ms] of [
  ['5 s', 5000],
  ['100ms', 100],
  ['1h', 3_600_000],
  ['250', 250],
  [' 2 MIN ', 120_000],
  ['3 days', 259_200_000],
  ['0 s', 0],
] as const) {
  test(`'${text}' is ${ms} ms`, (t) => {
    t.is(parseDuration(text), ms);
  });
}

for (const text of [
  '',
  's',
  '-5 s',
  '1.5 h',
  '5 parsecs',
  '1 h 5 min',
  '99999999999999999 d',
  'NaN',
]) {
  test(`'${text}' is no duration`, (t) => {
    const error = t.throws(() => parseDuration(text), { code: 'CONFIG_INVALID' });
    t.true(error.message.includes(`'${text}'`));
  });
}

for (const [ms, text] of [
  [0, '0 ms'],
  [0.25, '0.25 ms'],
  [350.4, '350 ms'],
  [999.6, '1 s'],
  [12_345, '12.35 s'],
  [59_999, '1 min'],
  [125_000, '2 min 5 s'],
  [3_900_000, '1 h 5 min'],
  [86_400_000, '1 d'],
  [-1500, '-1.5 s'],
] as const) {
  test(`${ms} ms reads '${text}'`, (t) => {
    t.is(formatDuration(ms), text);
  });
}
