/** The commands against real doors of scripted jobs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { realEnvironment } from '../base/real-environment.ts';
import { type ControlDoor, openControlDoor } from '../server/control-door.ts';
import { ScriptedJob } from '../server/testing/scripted-job.ts';
import { readCommandLine } from './command-line.ts';
import { jobCommand } from './job-commands.ts';
import type { JobRequest } from './requests.ts';
import { textTerminal } from './testing/text-terminal.ts';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Setup {
  readonly job: ScriptedJob;
  readonly door: ControlDoor;
  readonly environment: Environment;
  run(line: string): Promise<Ran>;
}

async function setup(t: ExecutionContext): Promise<Setup> {
  const folder = mkdtempSync(join(tmpdir(), 'mr-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const real = realEnvironment();
  const environment = { ...real, network: { ...real.network, localSocketFolder: () => folder } };
  const job = new ScriptedJob();
  const door = await openControlDoor(job, environment);
  t.teardown(() => door.close());
  return { job, door, environment, run: (line) => run(line, environment) };
}

async function run(line: string, environment: Environment): Promise<Ran> {
  const { terminal, texts } = textTerminal();
  const code = await jobCommand(
    readCommandLine(line.split(' ')) as JobRequest,
    terminal,
    environment,
  );
  return { code, ...texts };
}

test('list shows the running jobs, for people and for programs', async (t) => {
  const { job, door, run: runHere } = await setup(t);
  const people = await runHere('list');
  t.is(people.code, 0);
  t.regex(people.stdout, /^id +name +status +since its start\n0190\w+ +orders +running +\d/);
  const programs = await runHere('list --json');
  t.deepEqual(JSON.parse(programs.stdout), {
    status: 'ok',
    jobs: [{ id: job.jobId, name: 'orders', status: 'RUNNING' }],
  });
  await door.close();
  t.is((await runHere('list')).stdout, 'no job is running here\n');
});

test('savepoint tells where it is; a relative folder is the caller’s', async (t) => {
  const { job, run: runHere } = await setup(t);
  const { code, stdout } = await runHere('savepoint orders ./sp');
  t.is(code, 0);
  const directory = join(process.cwd(), 'sp');
  t.true(stdout.endsWith(`${directory}/savepoint-1\n`), stdout);
  t.like(job.calls[0], { name: 'savepoint', options: { directory } });
  const json = JSON.parse((await runHere('savepoint 0190 --json')).stdout) as object;
  t.like(json, { status: 'completed', jobName: 'orders', location: '/savepoints/savepoint-1' });
});

test('a savepoint that fails is told by its code, and the job runs on', async (t) => {
  const { job, run: runHere } = await setup(t);
  job.savepointError = new MillraceError('SAVEPOINT_FAILED', 'no space is left');
  const { code, stdout, stderr } = await runHere('savepoint orders');
  t.deepEqual([code, stdout], [1, '']);
  t.regex(stderr, /^SAVEPOINT_FAILED {2}no space is left\n/);
  const json = await runHere('savepoint orders --json');
  t.is(json.code, 1);
  t.like(JSON.parse(json.stdout) as object, {
    status: 'failed',
    error: { code: 'SAVEPOINT_FAILED' },
  });
  t.is(job.status(), 'running');
});

test('stop says how to go on, unless the job was drained', async (t) => {
  const { job, door, run: runHere } = await setup(t);
  job.onEnd = () => void door.close();
  const { code, stdout } = await runHere('stop orders /sp');
  t.is(code, 0);
  t.is(
    stdout,
    `stopped 'orders' (${job.jobId}) with a savepoint\n/sp/savepoint-1\n` +
      'go on with: millrace run … --from /sp/savepoint-1\n',
  );
  const second = await setup(t);
  const drained = await second.run('stop orders --drain');
  t.notRegex(drained.stdout, /go on with/);
  t.like(second.job.calls[0], { name: 'stop', options: { drain: true } });
});

test('cancel waits for the end of the job, also if its process ends first', async (t) => {
  const first = await setup(t);
  const { code, stdout } = await first.run('cancel orders');
  t.deepEqual([code, stdout], [0, `canceled 'orders' (${first.job.jobId})\n`]);
  const second = await setup(t);
  let release = (): void => undefined;
  second.job.until = new Promise((resolve) => {
    release = resolve;
  });
  const canceled = second.run('cancel orders --json');
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(second.job.status(), 'canceling');
  await second.door.close();
  t.like(JSON.parse((await canceled).stdout) as object, { status: 'canceled', jobName: 'orders' });
  release();
});

test('a job that is not there: exit code 1; a text that means several: 2', async (t) => {
  const { environment, run: runHere } = await setup(t);
  const missing = await runHere('cancel clicks');
  t.is(missing.code, 1);
  t.regex(missing.stderr, /^JOB_NOT_FOUND {2}no job 'clicks'.*'orders' \(0190/);
  const second = await openControlDoor(new ScriptedJob('0190ffff'.padEnd(32, '0')), environment);
  t.teardown(() => second.close());
  const several = await runHere('cancel orders');
  t.is(several.code, 2);
  t.regex(several.stderr, /'orders' means several jobs: give the id/);
});
