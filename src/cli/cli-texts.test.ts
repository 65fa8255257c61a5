import test from 'ava';
import { closestName } from './closest-name.ts';
import type { JobFigures } from './job-figures.ts';
import { liveText } from './live-line.ts';
import { bytesText, countText, durationText, rateText, watermarkText } from './number-text.ts';

test('numbers have about three digits and their unit', (t) => {
  t.deepEqual([0, 7, 950, 999.4, 999.5, 48_230, 1_234_567, 2e12].map(rateText), [
    '0',
    '7',
    '950',
    '999',
    '1.00 k',
    '48.2 k',
    '1.23 M',
    '2000 G',
  ]);
  t.deepEqual([0, 999, 51_266_950].map(bytesText), ['0 B', '999 B', '51.3 MB']);
  t.is(countText(3_000_000), '3,000,000');
});

test('durations are told in the units that fit them', (t) => {
  t.deepEqual([0.4, 85, 3126, 125_000, 4_320_000].map(durationText), [
    '0 ms',
    '85 ms',
    '3.1 s',
    '2 min 5 s',
    '1 h 12 min',
  ]);
});

test('watermarks before the first, after the last and beyond a Date can be told', (t) => {
  const values = [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER];
  t.deepEqual(values.map(watermarkText), [
    'none',
    '1970-01-01T00:00:00Z',
    'end of input',
    'end of input',
  ]);
  t.is(watermarkText(-9e15), '-9000000000000000');
});

test('a mistyped name is found, another one is not', (t) => {
  t.is(closestName('fligths.ts', ['figures.ts', 'flights.ts']), 'flights.ts');
  t.is(closestName('job.ts', ['a-very-different-name.ts']), undefined);
  t.is(closestName('x', []), undefined);
});

const figures: JobFigures = {
  numRecordsIn: 2_345_678,
  watermark: Date.UTC(2001, 2, 4, 10),
  backPressuredRatio: 0.844,
  numLateRecordsDropped: 10,
  numLateRecordsSideOutput: 2600,
  numDeadLetters: 0,
  numShapeMisfits: 0,
  sinks: [],
};

test('the live line has words on a wide terminal, fits 80 columns, and is cut below', (t) => {
  t.is(
    liveText(figures, 1_234_567, 120),
    '1.23 M records/s  2,345,678 total  watermark 2001-03-04T10:00:00Z  backpressure 84%  ' +
      'late 2,610  dead letters 0',
  );
  const short = '1.23 M/s  2.35 M in  wm 2001-03-04T10:00Z  backpressure 84%  late 2,610  dead 0';
  t.is(liveText(figures, 1_234_567, 79), short);
  t.is(liveText(figures, 1_234_567, 20), short.slice(0, 20));
});
