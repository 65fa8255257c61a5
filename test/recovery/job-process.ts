/**
 * Runs `kill-job.ts` in a process of its own, which is killed or dies at a fault point, and tells
 * what it did until then.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type FaultPoint, faultPoints } from '../../src/base/fault-points.ts';

/** How a process is run. */
export interface ProcessOptions {
  /** Folder for output and checkpoints. */
  readonly folder: string;
  readonly records: number;
  readonly ratePerSecond: number;
  readonly keys: number;
  readonly parallelism: number;
  readonly backend: 'heap' | 'rocksdb';
  readonly intervalMs: number;
  /** Kill it so long after it has come to so many fault points. */
  readonly kill?: { readonly points: number; readonly laterMs: number } | undefined;
  readonly crashAt?: { readonly point: FaultPoint; readonly count: number } | undefined;
  readonly configuration?: readonly string[] | undefined;
}

/** What became of it. */
export interface ProcessRun {
  /** Undefined: it was killed. */
  readonly exitCode: number | undefined;
  /** Fault points in the order in which its threads came to them. */
  readonly points: readonly FaultPoint[];
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const HOOK = new URL('fault-hook.ts', import.meta.url).href;
const JOB = fileURLToPath(new URL('kill-job.ts', import.meta.url));

/** Starts it and waits for its end. */
export async function runProcess(options: ProcessOptions): Promise<ProcessRun> {
  const { folder, crashAt, kill } = options;
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--import', HOOK, ...argumentsOf(options)],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        XDG_RUNTIME_DIR: folder,
        MILLRACE_TEST_TRACE_FD: '3',
        ...(crashAt && { MILLRACE_TEST_CRASH_AT: `${crashAt.point}:${crashAt.count}` }),
      },
    },
  );
  const points: FaultPoint[] = [];
  let timer: NodeJS.Timeout | undefined;
  (child.stdio[3] as Readable).on('data', (bytes: Uint8Array) => {
    for (const byte of bytes) points.push(faultPoints[byte] as FaultPoint);
    if (kill === undefined || timer !== undefined || points.length < kill.points) return;
    timer = setTimeout(() => child.kill('SIGKILL'), kill.laterMs);
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { exitCode: code ?? undefined, points, ...output };
}

function argumentsOf(options: ProcessOptions): string[] {
  const { folder, records, ratePerSecond, keys, parallelism, backend, intervalMs } = options;
  const flags = ['--parallelism', String(parallelism), '--state', backend, '--resume'];
  flags.push('--checkpoint-dir', `${folder}/checkpoints`);
  flags.push('--checkpoint-interval', `${intervalMs} ms`);
  for (const each of options.configuration ?? []) flags.push('-D', each);
  const args = [`${folder}/out`, records, ratePerSecond, keys].map(String);
  return [MAIN, 'run', JOB, ...flags, '--', ...args];
}
