import test from 'ava';
import { closestName } from './closest-name.ts';
import type { JobFigures } from './job-figures.ts';
import { jsonResult } from './json-output.ts';
import { liveText, type Progress } from './live-line.ts';
import { summaryText } from './summary.ts';
import { plainStyle } from './text-style.ts';
import { checkpointInfo } from '../server/testing/scripted-job.ts';
import type { JobExecutionResult } from '../graph/job-client.ts';
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

const progress: Progress = {
  figures,
  recordsPerSecond: 1_234_567,
  lastCheckpoint: undefined,
  numRestarts: 0,
};

test('the live line has words on a wide terminal, fits 80 columns, and is cut below', (t) => {
  t.is(
    liveText(progress, 120),
    '1.23 M records/s  2,345,678 total  watermark 2001-03-04T10:00:00Z  backpressure 84%  ' +
      'late 2,610  dead letters 0',
  );
  const short = '1.23 M/s  2.35 M in  wm 2001-03-04T10:00Z  backpressure 84%  late 2,610  dead 0';
  t.is(liveText(progress, 79), short);
  t.is(liveText(progress, 20), short.slice(0, 20));
});

test('the live line tells of checkpoints and restarts where there are any', (t) => {
  const recovering = {
    ...progress,
    lastCheckpoint: { checkpointId: 12, durationMs: 85 },
    numRestarts: 2,
  };
  t.true(liveText(recovering, 200).endsWith('dead letters 0  checkpoint 12 (85 ms)  restarts 2'));
  t.regex(
    liveText(recovering, 110),
    /backpressure 84% {2}ckpt 12 \(85 ms\) {2}rst 2 {2}late 2,610/,
  );
  t.is(liveText(recovering, 60).length, 60);
});

const finished: JobExecutionResult = {
  jobId: '0',
  jobName: 'orders',
  netRuntimeMs: 2000,
  metrics: { vertices: [], numRecordsInTotal: 4000 },
  checkpoints: {
    numCompleted: 3,
    numFailed: 1,
    numInProgress: 0,
    meanDurationMs: 40,
    maxDurationMs: 85,
    totalBytes: 5_000_000,
    restored: undefined,
    history: [checkpointInfo({ path: 'file:///ckpt/0/chk-3' })],
    failures: [],
  },
};

test('the summary and the JSON result tell of checkpoints and restarts', (t) => {
  const text = summaryText(finished, 2, plainStyle);
  t.regex(text, /checkpoints +3 \(mean 40 ms, longest 85 ms, 5\.00 MB written\), 1 failed\n/);
  t.regex(text, /restarts +2\n/);
  const json = JSON.parse(jsonResult(finished, 2)) as { checkpoints: unknown; numRestarts: number };
  t.is(json.numRestarts, 2);
  t.like(json.checkpoints, {
    numCompleted: 3,
    maxDurationMs: 85,
  });
  const none = { ...finished.checkpoints, numCompleted: 0, numFailed: 0, history: [] };
  t.notRegex(
    summaryText({ ...finished, checkpoints: none }, 0, plainStyle),
    /checkpoints|restarts/,
  );
});
