/** Runs `millrace` from source as a child process, on the Node that runs the tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
/** The command's source. */
export const MAIN: string = join(ROOT, 'src/cli/main.ts');

/** How a child process ended. */
export interface Ended {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A started `millrace`. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the standard output has as many characters. */
  outputOf(characters: number): Promise<void>;
}

/** Starts `millrace` with these arguments, at the repository's root. */
export function startCli(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let onOutput = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const outputOf = (characters: number): Promise<void> =>
    new Promise((resolve, reject) => {
      onOutput = () => {
        if (stdout.length >= characters) resolve();
      };
      onOutput();
      ended.then(() => reject(new Error(`millrace ended: ${stderr}`)), reject);
    });
  return { child, ended, outputOf };
}

/** Runs `millrace` to its end. */
export function runCli(...args: readonly string[]): Promise<Ended> {
  return startCli(...args).ended;
}

/** A folder for one test; `using` removes it. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
