/**
 * What the section "Running jobs" of the README promises: savepoint, stop, from, kill -9 and
 * resume, looking into state.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Running, runCli, startCli, temporaryFolder } from './run-cli.ts';

const ORDERS = 'test/end-to-end/orders.test-job.ts';
const EVERY = ['--checkpoint-interval', '200ms'];

const runtime = temporaryFolder();
process.env['XDG_RUNTIME_DIR'] = runtime.path;
test.after.always(() => runtime[Symbol.dispose]());

/** Resolves when the job has completed as many checkpoints, as its folder says. */
async function checkpointed(directory: string, count: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const [jobId = ''] = folders(directory);
    const ids = jobId === '' ? [] : folders(join(directory, jobId)).flatMap(idOf);
    if (Math.max(0, ...ids) > count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no ${count} checkpoints in ${directory}`);
}

function folders(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function idOf(name: string): number[] {
  const id = /^chk-(\d+)$/.exec(name)?.[1];
  return id === undefined ? [] : [Number(id)];
}

/** The sum of all keys' totals in a savepoint. */
async function totalOf(path: string): Promise<number> {
  const list = JSON.parse((await runCli('state', 'list', path, '--json')).stdout) as {
    states: readonly { readonly operator: string; readonly state: string }[];
  };
  const state = list.states.find(({ operator }) => operator === 'totals')?.state ?? '';
  const { stdout } = await runCli(
    'state',
    'query',
    path,
    '--operator',
    'totals',
    '--state',
    state,
    '--json',
  );
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly value: { readonly n: number } });
  return rows.reduce((sum, { value }) => sum + value.n, 0);
}

async function stop(job: string, directory: string): Promise<string> {
  const { stdout, stderr } = await runCli('stop', job, directory, '--json');
  const { status, location } = JSON.parse(stdout) as { status: string; location: string };
  if (status !== 'stopped') throw new Error(stdout + stderr);
  return location;
}

/** How far the totals had come in what a job printed, by key. */
function firstTotals(stdout: string): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const [, key = '', n = ''] of stdout.matchAll(/key: '(k\d)', n: (\d+)/g)) {
    if (!totals.has(key)) totals.set(key, Number(n));
  }
  return totals;
}

test.serial(
  'a job is stopped, looked into, checked, and goes on with another parallelism',
  async (t) => {
    using folder = temporaryFolder();
    const first = startCli('run', ORDERS, '--checkpoint-dir', join(folder.path, 'ckpt'), ...EVERY);
    await first.outputOf(100);
    const location = await stop('orders.test-job', join(folder.path, 'sp'));
    const ended = await first.ended;
    t.is(ended.code, 0, ended.stderr);
    t.regex(ended.stdout, /\nfinished orders\.test-job in [^]* checkpoints +\d+ \(mean /);
    const before = await totalOf(location);
    t.true(before >= 1000, `${before} counted`);

    const check = await runCli('savepoint', 'check', ORDERS, location);
    t.is(check.code, 0, check.stdout);
    t.regex(check.stdout, /'totals' \(Totals\)\n {2}\S+ +compatible\n/);

    const second = startCli('run', ORDERS, '--from', location, '-p', '2', '--json', ...EVERY);
    await second.outputOf(100);
    const after = await totalOf(await stop('orders.test-job', join(folder.path, 'sp')));
    const { code, stdout, stderr } = await second.ended;
    t.is(code, 0, stderr);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as {
      numRecordsIn: number;
    };
    t.is(after, before + result.numRecordsIn, 'nothing is counted twice or left out');
    for (const [key, n] of firstTotals(stdout)) t.true(n >= before / 8, `${key} began at ${n}`);
  },
);

async function killed(running: Running): Promise<void> {
  running.child.kill('SIGKILL');
  await running.ended;
}

test.serial(
  'a job that is killed with -9 goes on under its id with --resume, until it has finished',
  async (t) => {
    using folder = temporaryFolder();
    const directory = join(folder.path, 'ckpt');
    const args = ['run', ORDERS, '--checkpoint-dir', directory, ...EVERY, '--resume'];
    const first = startCli(...args);
    await checkpointed(directory, 3);
    await killed(first);
    const [jobId] = folders(directory);
    const second = startCli(...args);
    await second.outputOf(100);
    const { jobs } = JSON.parse((await runCli('list', '--json')).stdout) as {
      jobs: { id: string }[];
    };
    t.deepEqual(
      jobs.map(({ id }) => id),
      [jobId ?? ''],
    );
    const location = await stop(jobId ?? '', join(folder.path, 'sp'));
    t.is((await second.ended).code, 0);
    const total = await totalOf(location);
    t.true(total >= 4000, `${total} counted`);
    const third = await runCli(...args);
    t.deepEqual([third.code, third.stderr], [0, '']);
    t.regex(third.stdout, /has finished already/);
    t.deepEqual(folders(directory), [jobId ?? '']);
  },
);
