/** The door over real sockets in a folder of the test's own, and against garbage. */
import { mkdtempSync, rmSync, statSync, writeFileSync, existsSync, chmodSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Environment, HttpRequest } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { realEnvironment } from '../base/real-environment.ts';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import { answerRequest, type ControlDoor, openControlDoor } from './control-door.ts';
import { askDoor, runOperation } from './door-client.ts';
import { findRunningJob, forgetDoor, recordDoor, runningJobs } from './find-jobs.ts';
import { Operations } from './operations.ts';
import type { CheckpointsBody, ErrorBody, JobBody, MetricsBody, OperationBody } from './routes.ts';
import { checkpointInfo, ScriptedJob } from './testing/scripted-job.ts';

const OTHER_ID = '0190000000001fedcba9876543210fed';

/** Sockets' paths are short, so not below the repository. */
function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mr-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The real environment with its sockets in a folder of the test's own. */
function environmentIn(path: string): Environment {
  const real = realEnvironment();
  return { ...real, network: { ...real.network, localSocketFolder: () => path } };
}

interface Open {
  readonly environment: Environment;
  readonly job: ScriptedJob;
  readonly door: ControlDoor;
  readonly address: { readonly id: string; readonly socketPath: string };
  readonly path: string;
}

async function open(t: ExecutionContext, job = new ScriptedJob()): Promise<Open> {
  const path = folder(t);
  const environment = environmentIn(path);
  const door = await openControlDoor(job, environment);
  t.teardown(() => door.close());
  return { environment, job, door, path, address: { id: job.jobId, socketPath: door.path } };
}

function request(
  method: string,
  target: string,
  body?: unknown,
  type = 'application/json',
): HttpRequest {
  const bytes = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  return {
    method,
    target,
    headers: { 'content-type': type },
    body: new TextEncoder().encode(bytes),
  };
}

async function send(
  { environment, door }: Open,
  asked: HttpRequest,
): Promise<{ status: number; body: ErrorBody; allow: string | undefined }> {
  const response = await environment.network.requestHttp(door.path, asked, 5000);
  const body = JSON.parse(new TextDecoder().decode(response.body)) as ErrorBody;
  return { status: response.status, body, allow: response.headers['allow'] };
}

test('the socket is named after the job, is this user’s alone, and goes with the door', async (t) => {
  const { door, path, job } = await open(t);
  t.is(door.path, join(path, `${job.jobId}.sock`));
  t.is(statSync(door.path).mode & 0o777, 0o600);
  await door.close();
  t.false(existsSync(door.path));
});

test('a job tells what it is and how it goes', async (t) => {
  const { environment, job, door, address } = await open(t);
  job.statistics = {
    ...job.statistics,
    numCompleted: 2,
    numFailed: 1,
    meanDurationMs: 15,
    maxDurationMs: 20,
    totalBytes: 600,
    history: [
      checkpointInfo({ checkpointId: 3 }),
      checkpointInfo({ kind: 'savepoint', path: '/s/1' }),
    ],
    failures: [{ checkpointId: 2, reason: 'timed out' }],
    restored: checkpointInfo({ path: '/old' }),
  };
  job.failures = [{ atMs: 5, error: new MillraceError('WORKER_LOST', 'a thread died') }];
  const parts = { job: job.jobId };
  const ask = <Body>(route: 'job' | 'checkpoints' | 'exceptions'): Promise<Body> =>
    askDoor<Body>(environment, door.path, { route, parts });
  const body = await ask<JobBody>('job');
  t.like(body, { jid: job.jobId, name: 'orders', state: 'RUNNING' });
  t.is(body['start-time'], Number.parseInt('019000000000', 16));
  t.like(body.vertices[0], { name: 'Source: n -> map', parallelism: 2 });
  t.is(body.vertices[0]?.metrics['current-watermark'], null);
  const checkpoints = await ask<CheckpointsBody>('checkpoints');
  t.deepEqual(checkpoints.counts, {
    restored: 1,
    total: 3,
    in_progress: 0,
    completed: 2,
    failed: 1,
  });
  t.is(checkpoints.summary.checkpointed_size.avg, 300);
  t.deepEqual(
    checkpoints.history.map(({ id, status }) => [id, status]),
    [
      [3, 'COMPLETED'],
      [2, 'FAILED'],
      [1, 'COMPLETED'],
    ],
  );
  t.is(checkpoints.latest.savepoint?.external_path, '/s/1');
  t.is(checkpoints.latest.restored?.external_path, '/old');
  const exceptions = await ask<{ exceptionHistory: { entries: unknown[] } }>('exceptions');
  t.like(exceptions.exceptionHistory.entries[0], { exceptionName: 'WORKER_LOST', timestamp: 5 });
  const query = 'get=numRecordsIn,0.map.odd';
  const metrics = await askDoor<MetricsBody>(environment, address.socketPath, {
    route: 'metrics',
    parts,
    query,
  });
  t.deepEqual(metrics, [
    { id: 'numRecordsIn', value: '1234' },
    { id: '0.map.odd', value: '7' },
  ]);
});

test('a savepoint is triggered, awaited and told', async (t) => {
  const { environment, job, address } = await open(t);
  const body = { 'target-directory': '/sp', 'format-type': 'NATIVE' };
  const result = await runOperation(environment, address, { route: 'triggerSavepoint', body });
  t.is(result.location, '/sp/savepoint-1');
  t.deepEqual(job.calls, [{ name: 'savepoint', options: { directory: '/sp', format: 'native' } }]);
  t.is(job.status(), 'running');
});

test('a savepoint may cancel the job, but not if it failed', async (t) => {
  const { environment, job, address } = await open(t);
  const asked = { route: 'triggerSavepoint', body: { 'cancel-job': true } } as const;
  job.savepointError = new MillraceError('SAVEPOINT_FAILED', 'the disk is full');
  await t.throwsAsync(runOperation(environment, address, asked), {
    code: 'SAVEPOINT_FAILED',
    message: 'the disk is full',
  });
  t.is(job.status(), 'running');
  job.savepointError = undefined;
  await runOperation(environment, address, asked);
  t.is(job.status(), 'canceled');
});

test('whoever stops a job hears where its savepoint is, though the door closes at once', async (t) => {
  const { environment, job, address, door } = await open(t);
  job.onEnd = () => void door.close();
  const result = await runOperation(environment, address, { route: 'stop', body: { drain: true } });
  t.is(result.location, '/savepoints/savepoint-1');
  t.deepEqual(job.calls, [
    { name: 'stop', options: { directory: undefined, format: undefined, drain: true } },
  ]);
  await door.close();
  t.false(existsSync(door.path));
});

test('one trigger id is one savepoint; statuses are kept apart by kind', async (t) => {
  const all = await open(t);
  const { job } = all;
  let release = (): void => undefined;
  job.until = new Promise((resolve) => {
    release = resolve;
  });
  const triggerId = '0123456789abcdef0123456789abcdef';
  const target = `/v1/jobs/${job.jobId}/savepoints`;
  for (let time = 0; time < 3; time++) {
    const { status, body } = await send(all, request('POST', target, { triggerId }));
    t.deepEqual([status, body], [202, { 'request-id': triggerId } as unknown as ErrorBody]);
  }
  t.is(job.calls.length, 1);
  const ask = async (kind: string): Promise<{ status: number; body: unknown }> =>
    send(all, request('GET', `/v1/jobs/${job.jobId}/${kind}/${triggerId}`));
  t.deepEqual((await ask('savepoints')).body, { status: { id: 'IN_PROGRESS' } });
  t.is((await ask('checkpoints')).status, 404);
  release();
  await new Promise((resolve) => setImmediate(resolve));
  t.like((await ask('savepoints')).body as OperationBody, { status: { id: 'COMPLETED' } });
});

test('cancel answers at once and is told by the status; what has ended can only be looked at', async (t) => {
  const all = await open(t);
  const { job } = all;
  const target = `/v1/jobs/${job.jobId}`;
  t.is((await send(all, request('PATCH', `${target}?mode=stop`))).status, 400);
  t.is((await send(all, request('PATCH', `${target}?mode=cancel`))).status, 202);
  t.like((await send(all, request('GET', target))).body as unknown as JobBody, {
    state: 'CANCELED',
  });
  for (const [method, path] of [
    ['PATCH', target],
    ['POST', `${target}/savepoints`],
    ['POST', `${target}/stop`],
    ['POST', `${target}/checkpoints`],
  ] as const) {
    const { status, body } = await send(all, request(method, path));
    t.deepEqual([status, body.code], [409, 'ILLEGAL_STATE']);
  }
});

const JOB = '/v1/jobs/0190000000000123456789abcdef0123';
const BIG = `{"target-directory":"${'x'.repeat(1_100_000)}"}`;

const REFUSED: readonly (readonly [
  what: string,
  asked: HttpRequest,
  status: number,
  says: RegExp,
])[] = [
  ['an unknown route', request('GET', '/v1/nope'), 404, /no route \/v1\/nope/],
  ['the root', request('GET', '/'), 404, /no route/],
  ['a path that climbs', request('GET', `${JOB}/../../etc/passwd`), 404, /no route/],
  ['a bad escape', request('GET', '/v1/jobs/%zz'), 404, /no route/],
  ['another job', request('GET', `/v1/jobs/${OTHER_ID}`), 404, /door of job 'orders'/],
  ['a wrong method', request('DELETE', JOB), 405, /takes GET, PATCH, not DELETE/],
  ['a read by POST', request('POST', '/v1/jobs'), 405, /takes GET, not POST/],
  ['no JSON', request('POST', `${JOB}/savepoints`, '{"target'), 400, /not valid JSON/],
  ['a JSON list', request('POST', `${JOB}/savepoints`, []), 400, /must be a JSON object/],
  [
    'a form',
    request('POST', `${JOB}/stop`, 'a=b', 'application/x-www-form-urlencoded'),
    415,
    /application\/json/,
  ],
  ['an unknown field', request('POST', `${JOB}/stop`, { dran: true }), 400, /unknown field "dran"/],
  [
    'a polluting field',
    request('POST', `${JOB}/stop`, '{"__proto__":{"drain":true}}'),
    400,
    /unknown field "__proto__"/,
  ],
  [
    'a field of another kind',
    request('POST', `${JOB}/stop`, { drain: 'yes' }),
    400,
    /drain must be a boolean/,
  ],
  [
    'an unknown format',
    request('POST', `${JOB}/stop`, { formatType: 'zip' }),
    400,
    /CANONICAL, NATIVE/,
  ],
  [
    'a NUL in a path',
    request('POST', `${JOB}/stop`, { targetDirectory: 'a\0' }),
    400,
    /must be a string/,
  ],
  ['a bad trigger id', request('POST', `${JOB}/stop`, { triggerId: '../x' }), 400, /hexadecimal/],
  ['a long body', request('POST', `${JOB}/savepoints`, BIG), 413, /longer than 1048576 bytes/],
  [
    'a request nobody made',
    request('GET', `${JOB}/savepoints/${OTHER_ID}`),
    404,
    /no savepoint request/,
  ],
];

test('what is wrong is refused with its reason, and the job is not touched', async (t) => {
  const all = await open(t);
  for (const [what, asked, expected, says] of REFUSED) {
    const { status, body } = await send(all, asked);
    t.is(status, expected, what);
    t.regex(body.message, says, what);
    t.deepEqual(body.errors, [body.message]);
  }
  t.deepEqual(all.job.calls, []);
  t.is((await send(all, request('DELETE', JOB))).allow, 'GET, PATCH');
});

const segment = fc.oneof(
  fc.constantFrom(
    'v1',
    'jobs',
    JOB.slice(9),
    'savepoints',
    'stop',
    'checkpoints',
    '..',
    '%2e%2e',
    '%00',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const garbage = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'get', 'CONNECT', ''),
  // Half of them go to what there is.
  target: fc.oneof(
    fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
    fc.constantFrom('/v1/jobs', JOB, `${JOB}/savepoints`, `${JOB}/stop`, `${JOB}/checkpoints`),
  ),
  body: fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.json(),
    fc.constantFrom('', '{}', '{"drain":true}', 'null'),
  ),
  type: fc.constantFrom('application/json', 'text/plain', '', 'application/json; charset=x'),
});

test('1,000 requests of garbage are answered with JSON and no 5xx', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const job = new ScriptedJob();
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(garbage, async ({ method, target, body, type }) => {
      job.statusNow = 'running';
      const operations = new Operations(environment);
      const asked = request(method, target, body, type);
      const response = await answerRequest({ job, environment, operations }, asked);
      statuses.add(response.status);
      JSON.parse(new TextDecoder().decode(response.body));
      return response.status >= 200 && response.status < 500;
    }),
    { numRuns: 1000 },
  );
  t.true(statuses.has(404) && statuses.has(405), [...statuses].join());
  t.is(({} as { drain?: unknown }).drain, undefined);
});

test('bytes that are no HTTP do not hurt the door', async (t) => {
  const all = await open(t);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      await new Promise<void>((resolve) => {
        const socket = connect(all.door.path, () => socket.end(bytes));
        socket.on('error', () => undefined).on('close', () => resolve());
        socket.resume();
      });
    }),
    { numRuns: 100 },
  );
  t.is((await send(all, request('GET', '/v1/jobs'))).status, 200);
});

test('a socket left by a dead process is replaced, a living one and a file are not', async (t) => {
  const path = folder(t);
  const { network } = environmentIn(path);
  const handler = async (): Promise<{ status: number; headers: {}; body: Uint8Array }> => ({
    status: 200,
    headers: {},
    body: new Uint8Array(0),
  });
  const left = join(path, 'left.sock');
  // A name of the socket that outlives it, as after kill -9.
  const first = await network.serveHttp(join(path, 'first.sock'), handler);
  realEnvironment().fileSystem.link(join(path, 'first.sock'), left);
  await t.throwsAsync(network.serveHttp(left, handler), {
    code: 'NETWORK_FAILED',
    message: /EADDRINUSE/,
  });
  await first.close();
  t.true(existsSync(left));
  const second = await network.serveHttp(left, handler);
  t.is((await network.requestHttp(left, request('GET', '/'), 1000)).status, 200);
  await second.close();
  writeFileSync(left, 'precious');
  await t.throwsAsync(network.serveHttp(left, handler));
  t.true(existsSync(left));
  const long = network.serveHttp(join(path, `${'x'.repeat(120)}.sock`), handler);
  await t.throwsAsync(long, { message: /ENAMETOOLONG/ });
});

test.serial('the runtime folder is closed to others, also if it was open', (t) => {
  const runtime = folder(t);
  const before = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = runtime;
  t.teardown(() => {
    if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = before;
  });
  const { network } = realEnvironment();
  const path = network.localSocketFolder();
  t.is(path, join(runtime, 'millrace'));
  t.is(statSync(path).mode & 0o777, 0o700);
  chmodSync(path, 0o777);
  network.localSocketFolder();
  t.is(statSync(path).mode & 0o777, 0o700);
});

test('running jobs are found by id, name and beginning of the id', async (t) => {
  const { environment, path } = await open(t, new ScriptedJob());
  const second = await openControlDoor(new ScriptedJob(OTHER_ID, 'clicks'), environment);
  t.teardown(() => second.close());
  writeFileSync(join(path, 'dead.sock'), '');
  writeFileSync(join(path, 'other.txt'), '');
  const names = (await runningJobs(environment)).map(({ name }) => name);
  t.deepEqual(names, ['orders', 'clicks']);
  for (const text of [OTHER_ID, 'clicks', '0190000000001']) {
    t.is((await findRunningJob(environment, text)).id, OTHER_ID, text);
  }
  await t.throwsAsync(findRunningJob(environment, '019'), {
    code: 'ILLEGAL_ARGUMENT',
    message: /means several jobs: give the id, one of 0190.*0123, 0190.*0fed/,
  });
  await t.throwsAsync(findRunningJob(environment, 'nope'), {
    code: 'JOB_NOT_FOUND',
    message: /no job 'nope' is running here; running are: 'orders'/,
  });
});

test('a job is found through its checkpoint directory, too', async (t) => {
  const { environment, job, door } = await open(t);
  const checkpoints = folder(t);
  recordDoor(environment.fileSystem, `file://${checkpoints}`, {
    jobId: job.jobId,
    path: door.path,
  });
  const elsewhere = environmentIn(folder(t));
  t.deepEqual(await runningJobs(elsewhere), []);
  t.is((await findRunningJob(elsewhere, 'orders', checkpoints)).socketPath, door.path);
  forgetDoor(environment.fileSystem, checkpoints, job.jobId);
  t.deepEqual(await runningJobs(elsewhere, checkpoints), []);
  await t.throwsAsync(runningJobs(elsewhere, '/no/such'), { code: 'FILE_NOT_FOUND' });
});

test('the door works on the simulated network', async (t) => {
  const environment = simulatedEnvironment({ seed: 7 });
  const job = new ScriptedJob();
  const door = await openControlDoor(job, environment);
  const address = { id: job.jobId, socketPath: door.path };
  const result = await runOperation(environment, address, { route: 'stop', body: {} });
  t.is(result.location, '/savepoints/savepoint-1');
  await door.close();
  const asked = askDoor(environment, door.path, { route: 'jobs' });
  await t.throwsAsync(asked, { code: 'NETWORK_FAILED' });
});
