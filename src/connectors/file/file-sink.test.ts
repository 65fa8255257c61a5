import test from 'ava';
import { hasErrorCode } from '../../base/errors.ts';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../base/simulated-environment.ts';
import { csvFormat } from '../../formats/csv/csv-format.ts';
import { jsonLinesFormat } from '../../formats/json/json-lines-format.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { CommitContext, Sink, SinkWriteContext } from '../../functions/sink.ts';
import { readAll } from './testing/file-source-harness.ts';
import { type FileSinkOptions, fileSink } from './file-sink.ts';
import { fileSource } from './file-source.ts';
import { findFiles } from './file-pattern.ts';
import type { PartCommittable } from './part-file.ts';

const ATTEMPT: OperatorAttempt = {
  jobId: 'job',
  operatorId: 'sink',
  attemptNumber: 0,
  restoredCheckpointId: undefined,
};

interface Event {
  readonly id: number;
  readonly city: string;
}

const FIRST_TRY: CommitContext = { isRestored: false, retries: 0 };
const NOTHING: SinkWriteContext = { timestamp: () => undefined, currentWatermark: () => 0 };

function contextOf(environment: SimulatedEnvironment, subtask = 0): SubtaskContext {
  return {
    jobName: 'job',
    taskName: 'sink',
    indexOfThisSubtask: subtask,
    numberOfParallelSubtasks: 2,
    maxNumberOfParallelSubtasks: 128,
    environment,
    metricGroup: { counter: () => ({ count: 0, inc: () => undefined }) },
  };
}

function eventSink(options: Partial<FileSinkOptions<Event>> = {}): Sink<Event, PartCommittable> {
  return fileSink<Event>({ path: '/out', format: jsonLinesFormat<Event>(), ...options });
}

function eventOf(id: number): Event {
  return { id, city: `city ${id % 3}` };
}

async function readBack(environment: SimulatedEnvironment): Promise<Event[]> {
  const source = fileSource<Event>({ path: '/out', format: jsonLinesFormat<Event>() });
  const { records } = await readAll(source, { environment });
  return records.sort((a, b) => a.id - b.id);
}

function visible(environment: SimulatedEnvironment): readonly string[] {
  return environment.fileSystem.stat('/out') === undefined
    ? []
    : findFiles(environment.fileSystem, '/out');
}

test('what two subtasks write is read back once, after the commit and not before', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const sink = eventSink({ rollingPolicy: { maxPartBytes: 1000 } });
  const writers = [0, 1].map((subtask) =>
    sink.createWriter(contextOf(environment, subtask), ATTEMPT),
  );
  for (let id = 0; id < 500; id++) writers[id % 2]?.write(eventOf(id), NOTHING);
  for (const writer of writers) await writer.flush(true);
  t.deepEqual(visible(environment), []);
  const committer = sink.createCommitter?.(contextOf(environment));
  for (const writer of writers) {
    const committables = writer.prepareCommit?.() ?? [];
    t.true(committables.length > 5);
    t.deepEqual(JSON.parse(JSON.stringify(committables)), committables);
    await committer?.commit(committables, FIRST_TRY);
    await committer?.commit(committables, FIRST_TRY);
    await writer.close();
  }
  t.deepEqual(
    await readBack(environment),
    Array.from({ length: 500 }, (_, id) => eventOf(id)),
  );
  t.true(
    visible(environment).every((path) => /^\/out\/part-[0-9a-f]{16}-[01]-\d+\.jsonl$/.test(path)),
  );
  t.true(
    visible(environment).every((path) => (environment.fileSystem.stat(path)?.size ?? 0) <= 1100),
  );
});

test('a lister between any two steps sees only whole files', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const sink = eventSink({ rollingPolicy: { maxPartBytes: 300 } });
  const writer = sink.createWriter(contextOf(environment), ATTEMPT);
  const committer = sink.createCommitter?.(contextOf(environment));
  const seen = new Map<string, number>();
  // The disk itself lists at every operation, so between any two.
  let isListing = false;
  environment.fileSystem.fault = () => {
    if (isListing) return undefined;
    isListing = true;
    for (const path of visible(environment)) {
      const size = environment.fileSystem.stat(path)?.size ?? -1;
      t.is(seen.get(path) ?? size, size, `${path} changed after it was visible`);
      seen.set(path, size);
    }
    isListing = false;
    return undefined;
  };
  for (let id = 0; id < 300; id++) {
    writer.write(eventOf(id), NOTHING);
    if (id % 40 === 39) {
      await writer.flush(false);
      await committer?.commit(writer.prepareCommit?.() ?? [], FIRST_TRY);
    }
  }
  await writer.flush(true);
  await committer?.commit(writer.prepareCommit?.() ?? [], FIRST_TRY);
  environment.fileSystem.fault = undefined;
  t.true(seen.size > 10);
  t.is((await readBack(environment)).length, 300);
});

test('what was handed to the committer survives a crash before and after the commit', async (t) => {
  for (const isCommitted of [false, true]) {
    const environment = simulatedEnvironment({ seed: 1 });
    const sink = eventSink({ bucket: (event) => `${event.city}/x` });
    const writer = sink.createWriter(contextOf(environment), ATTEMPT);
    for (let id = 0; id < 30; id++) writer.write(eventOf(id), NOTHING);
    await writer.flush(false);
    const committables = writer.prepareCommit?.() ?? [];
    if (isCommitted)
      await sink.createCommitter?.(contextOf(environment)).commit(committables, FIRST_TRY);
    environment.fileSystem.crash();
    await sink.createCommitter?.(contextOf(environment)).commit(committables, FIRST_TRY);
    t.is((await readBack(environment)).length, 30);
  }
});

test('a failed writer leaves nothing that was not handed out', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const writer = eventSink({ rollingPolicy: { maxPartBytes: 100 } }).createWriter(
    contextOf(environment),
    ATTEMPT,
  );
  for (let id = 0; id < 30; id++) writer.write(eventOf(id), NOTHING);
  await writer.close();
  t.deepEqual(environment.fileSystem.list('/out'), []);
});

test('files of another run stay, and names do not collide', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  for (let run = 0; run < 3; run++) {
    const sink = eventSink();
    const writer = sink.createWriter(contextOf(environment), ATTEMPT);
    writer.write(eventOf(run), NOTHING);
    await writer.flush(true);
    await sink
      .createCommitter?.(contextOf(environment))
      .commit(writer.prepareCommit?.() ?? [], FIRST_TRY);
    await writer.close();
  }
  t.is((await readBack(environment)).length, 3);
});

test('a commit refuses to replace a foreign file and a part that changed', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const sink = eventSink();
  const prepared = async (): Promise<PartCommittable> => {
    const writer = sink.createWriter(contextOf(environment), ATTEMPT);
    writer.write(eventOf(1), NOTHING);
    await writer.flush(true);
    return (writer.prepareCommit?.() ?? [])[0] as PartCommittable;
  };
  const foreign = await prepared();
  environment.fileSystem.makeDirectory('/out');
  environment.fileSystem.open(foreign.finalPath, 'write').close();
  const changed = await prepared();
  {
    using file = environment.fileSystem.open(changed.inProgressPath, 'append');
    file.append(Buffer.from('more'));
  }
  const gone = await prepared();
  environment.fileSystem.remove(gone.inProgressPath);
  const committer = sink.createCommitter?.(contextOf(environment));
  for (const part of [foreign, changed, gone]) {
    await t.throwsAsync(async () => committer?.commit([part], FIRST_TRY), {
      code: 'CONNECTOR_FAILED',
    });
  }
  const restored = { isRestored: true, retries: 0 };
  await t.notThrowsAsync(async () => committer?.commit([gone], restored), 'its reader took it');
});

test('where the file system knows no second names, parts are renamed', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  environment.fileSystem.fault = (operation) => (operation === 'link' ? 'ENOTSUP' : undefined);
  const sink = eventSink();
  const writer = sink.createWriter(contextOf(environment), ATTEMPT);
  writer.write(eventOf(1), NOTHING);
  await writer.flush(true);
  const committables = writer.prepareCommit?.() ?? [];
  const committer = sink.createCommitter?.(contextOf(environment));
  await committer?.commit(committables, FIRST_TRY);
  await committer?.commit(committables, FIRST_TRY);
  t.is((await readBack(environment)).length, 1);
  environment.fileSystem.crash();
  t.is((await readBack(environment)).length, 1);
});

test('parts roll by age and by inactivity', (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const sink = eventSink({
    rollingPolicy: { rolloverIntervalMs: 1000, inactivityIntervalMs: 300 },
  });
  const writer = sink.createWriter(contextOf(environment), ATTEMPT);
  t.is(writer.nextTimerMs?.(), Number.POSITIVE_INFINITY);
  const start = environment.clock.monotonicMs();
  const tick = (): number => {
    const next = writer.nextTimerMs?.() ?? 0;
    if (next === Number.POSITIVE_INFINITY) return next;
    environment.clock.advanceBy(next - environment.clock.monotonicMs());
    writer.onTimer?.();
    return next - start;
  };
  writer.write(eventOf(1), NOTHING);
  t.is(tick(), 300);
  t.is(tick(), 600);
  t.is(writer.nextTimerMs?.(), Number.POSITIVE_INFINITY, 'inactive for 300 ms: closed');
  t.is(writer.prepareCommit?.().length, 1);
  for (let i = 0; i < 4; i++) {
    writer.write(eventOf(i), NOTHING);
    tick();
  }
  t.is(writer.nextTimerMs?.(), Number.POSITIVE_INFINITY, 'open for 1000 ms: closed');
  t.is(writer.prepareCommit?.().length, 1);
});

test('buckets are folders; those that would escape or be skipped are refused', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const sink = eventSink({ bucket: (event) => event.city, openPartsMax: 2 });
  const writer = sink.createWriter(contextOf(environment), ATTEMPT);
  for (let id = 0; id < 9; id++) writer.write(eventOf(id), NOTHING);
  await writer.flush(true);
  await sink
    .createCommitter?.(contextOf(environment))
    .commit(writer.prepareCommit?.() ?? [], FIRST_TRY);
  await writer.close();
  t.deepEqual(environment.fileSystem.list('/out'), ['city 0', 'city 1', 'city 2']);
  t.is((await readBack(environment)).length, 9);
  const bad = [
    '..',
    '../x',
    '/x',
    'a/../b',
    'a//b',
    'a/',
    '.x',
    '_x',
    'a\u0000',
    'a\\b',
    'x'.repeat(256),
    'C:',
  ];
  for (const city of bad) {
    const error = t.throws(() => writer.write({ id: 1, city }, NOTHING), undefined, city);
    t.true(hasErrorCode(error, 'ILLEGAL_ARGUMENT'));
  }
  t.throws(() => writer.write({ id: 1, city: 5 as unknown as string }, NOTHING));
});

test('every CSV part has its own header', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const format = csvFormat<Event>();
  const sink = fileSink<Event>({
    path: '/out',
    format,
    prefix: 'p',
    suffix: '.txt',
    rollingPolicy: { maxPartBytes: 40 },
  });
  const writer = sink.createWriter(contextOf(environment), ATTEMPT);
  for (let id = 0; id < 20; id++) writer.write(eventOf(id), NOTHING);
  await writer.flush(true);
  await sink
    .createCommitter?.(contextOf(environment))
    .commit(writer.prepareCommit?.() ?? [], FIRST_TRY);
  t.true(visible(environment).length > 3);
  const { records } = await readAll(fileSource({ path: '/out/p-*.txt', format: csvFormat() }), {
    environment,
  });
  t.is(records.length, 20);
  t.deepEqual(records[0], { id: '0', city: 'city 0' });
});

test('a full disk fails the write with its code', (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  environment.fileSystem.capacityBytes = 100;
  const writer = eventSink().createWriter(contextOf(environment), ATTEMPT);
  const error = t.throws(() => {
    for (let id = 0; id < 10_000; id++) writer.write(eventOf(id), NOTHING);
  });
  t.true(hasErrorCode(error, 'FILE_FAILED'));
});

test('a lone surrogate is refused by CSV and escaped by JSON', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const record = { id: 1, city: '\ud800' };
  const csv = fileSink<Event>({ path: '/csv', format: csvFormat<Event>() }).createWriter(
    contextOf(environment),
    ATTEMPT,
  );
  csv.write(record, NOTHING);
  t.throws(() => void csv.flush(true), { message: /surrogate/ });
  const sink = eventSink();
  const json = sink.createWriter(contextOf(environment), ATTEMPT);
  json.write(record, NOTHING);
  await json.flush(true);
  await sink
    .createCommitter?.(contextOf(environment))
    .commit(json.prepareCommit?.() ?? [], FIRST_TRY);
  t.deepEqual(await readBack(environment), [record]);
});

test('options that cannot work are refused with their name', (t) => {
  t.throws(() => eventSink({ path: '' }), { message: /path/ });
  t.throws(() => eventSink({ prefix: '.hidden' }), { message: /prefix/ });
  t.throws(() => eventSink({ suffix: '/x' }), { message: /suffix/ });
  t.throws(() => eventSink({ rollingPolicy: { maxPartBytes: 0 } }), { message: /maxPartBytes/ });
  t.throws(() => eventSink({ openPartsMax: Number.NaN }), { message: /openPartsMax/ });
});
