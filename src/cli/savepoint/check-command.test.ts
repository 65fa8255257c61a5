import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import '../../index.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { readCommandLine } from '../command-line.ts';
import type { SavepointCheckRequest } from '../requests.ts';
import { textTerminal } from '../testing/text-terminal.ts';
import { checkCommand } from './check-command.ts';
import { writeSavepoint } from './written-savepoint.test-kit.ts';

const environment = realEnvironment();
const JOB = fileURLToPath(new URL('totals.test-job.ts', import.meta.url));

async function savepoint(t: ExecutionContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mr-sp-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const declaration = { name: 'sum', kind: 'value' } as const;
  await writeSavepoint(folder, environment, {
    states: [{ declaration, rows: [{ key: 'a', value: 1 }] }],
  });
  return folder;
}

async function run(
  ...line: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { terminal, texts } = textTerminal();
  const request = readCommandLine(['savepoint', 'check', ...line]) as SavepointCheckRequest;
  const code = await checkCommand(request, terminal, environment);
  return { code, ...texts };
}

test('a job with the savepoint’s operators would start', async (t) => {
  const path = await savepoint(t);
  const { code, stdout } = await run(JOB, path);
  t.is(code, 0, stdout);
  t.regex(
    stdout,
    /\n'totals' \(Totals\)\n {2}sum {2}not declared when the operator opens: kept as it is\n/,
  );
  t.true(stdout.endsWith('the job would start from it\n'));
  const json = JSON.parse((await run(JOB, path, '--json')).stdout) as {
    operators: { operator: string }[];
  };
  t.like(json, { status: 'compatible' });
  t.like(
    json.operators.find(({ operator }) => operator === 'totals'),
    { verdict: 'matched' },
  );
});

test('state of an operator that the job does not have is refused, or left behind if that is allowed', async (t) => {
  const path = await savepoint(t);
  const refused = await run(JOB, path, '--', 'renamed');
  t.is(refused.code, 1);
  t.regex(
    refused.stdout,
    /'totals' \(Totals\) {2}refused\n {4}the job has no such operator.*--allow-non-restored-state\n/,
  );
  t.true(refused.stdout.endsWith('the job would not start from it\n'));
  const allowed = await run(JOB, path, '--allow-non-restored-state', '--', 'renamed');
  t.is(allowed.code, 0);
  t.regex(allowed.stdout, /'totals' \(Totals\) {2}left behind\n/);
});

test('another maximum parallelism is refused with the one to set', async (t) => {
  const { code, stdout } = await run(JOB, await savepoint(t), '--', 'totals', '64');
  t.is(code, 1);
  t.regex(stdout, /'totals' \(Totals\) {2}refused\n {4}.*set it to 128\n/);
});

test('no savepoint: 1; no such job module: 2', async (t) => {
  const missing = await run(JOB, '/no/such/savepoint');
  t.is(missing.code, 1);
  t.regex(missing.stderr, /^CHECKPOINT_NOT_FOUND/);
  const module = await run('/no/such/job.ts', await savepoint(t));
  t.is(module.code, 2);
  t.regex(module.stderr, /^JOB_MODULE_INVALID/);
});
