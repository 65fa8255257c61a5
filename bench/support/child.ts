/** Runs a measurement in a fresh process, so that no run warms up or crowds the next. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A finished child. */
export interface ChildResult {
  readonly stdout: string;
  /** From before the process was made to its first output. */
  readonly firstOutputMs: number;
}

/** How a child is run. */
export interface ChildOptions {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Filling much state under Flink takes minutes. */
const TIMEOUT_MS = 30 * 60_000;

/** Runs a program; throws with its error output if it fails or takes too long. */
export function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  const startMs = performance.now();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithParent = (): void => {
    child.kill();
  };
  process.once('exit', endWithParent);
  let stdout = '';
  let stderr = '';
  let firstOutputMs = Number.NaN;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout === '') firstOutputMs = performance.now() - startMs;
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('exit', endWithParent);
      if (code === 0) resolve({ stdout, firstOutputMs });
      else
        reject(
          new Error(
            `${command} ${args.join(' ')} ended with ${code ?? signal}:\n${stderr}${stdout}`,
          ),
        );
    });
  });
}

/** Runs a module of the bench under this Node; its last line of output is its figures, as JSON. */
export async function runModule<T>(module: URL, args: readonly (string | number)[]): Promise<T> {
  const path = fileURLToPath(module);
  const { stdout } = await runChild(process.execPath, [path, ...args.map(String)]);
  return lastJsonLine(stdout) as T;
}

/** The last line that is a JSON object. */
export function lastJsonLine(text: string): unknown {
  const line = text.split('\n').findLast((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`no line of JSON in:\n${text}`);
  return JSON.parse(line);
}
