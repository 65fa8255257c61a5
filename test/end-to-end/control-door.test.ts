/** A job that runs in one process, reached from others. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli, startCli, temporaryFolder } from './run-cli.ts';

const ENDLESS = 'test/end-to-end/endless.test-job.ts';

// Child processes inherit it: doors of these tests lie in a folder of their own.
const runtime = temporaryFolder();
process.env['XDG_RUNTIME_DIR'] = runtime.path;
test.after.always(() => runtime[Symbol.dispose]());

test.serial('a running job is listed, and canceled by its name from another process', async (t) => {
  using folder = temporaryFolder();
  const running = startCli('run', ENDLESS, '--', join(folder.path, 'out'));
  await running.outputOf(1);
  const list = await runCli('list', '--json');
  t.is(list.code, 0);
  const { jobs } = JSON.parse(list.stdout) as {
    jobs: { id: string; name: string; status: string }[];
  };
  t.deepEqual(
    jobs.map(({ name, status }) => [name, status]),
    [['endless.test-job', 'RUNNING']],
  );
  const canceled = await runCli('cancel', 'endless.test-job');
  t.deepEqual([canceled.code, canceled.stderr], [0, '']);
  t.is(canceled.stdout, `canceled 'endless.test-job' (${jobs[0]?.id})\n`);
  const ended = await running.ended;
  t.deepEqual([ended.code, ended.stderr], [130, 'canceled\n']);
  t.deepEqual(readdirSync(join(runtime.path, 'millrace')), [], 'the socket is gone');
  t.is((await runCli('list')).stdout, 'no job is running here\n');
});

test.serial('a job killed with -9 is not listed, though its socket is left', async (t) => {
  using folder = temporaryFolder();
  const running = startCli('run', ENDLESS, '--', join(folder.path, 'out'));
  await running.outputOf(1);
  running.child.kill('SIGKILL');
  await running.ended;
  t.is(readdirSync(join(runtime.path, 'millrace')).length, 1);
  t.is((await runCli('list')).stdout, 'no job is running here\n');
  const stop = await runCli('stop', 'endless.test-job', '--json');
  t.is(stop.code, 1);
  t.like(JSON.parse(stop.stdout) as object, { status: 'failed', error: { code: 'JOB_NOT_FOUND' } });
});
