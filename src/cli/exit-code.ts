/** What `millrace` exits with. */
import { ERROR_CODES, type ErrorCode } from '../base/errors.ts';

/** The job has finished. */
export const FINISHED = 0;
/** The job ran and failed, or what was asked for did. */
export const JOB_FAILED = 1;
/** The command line or the program is wrong: nothing ran. */
export const WRONG_USAGE = 2;
/** The job was canceled by SIGINT or SIGTERM. */
export const CANCELED = 130;

/** A code of this file. */
export type ExitCode = typeof FINISHED | typeof JOB_FAILED | typeof WRONG_USAGE | typeof CANCELED;

/** Errors that mean a wrong program, also when the first to notice is a worker thread. */
const WRONG_PROGRAM: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONFIG_INVALID',
  'JOB_MODULE_INVALID',
  'JOB_GRAPH_INVALID',
  'JOB_GRAPH_MISMATCH',
  'PARALLELISM_INVALID',
  'UID_DUPLICATE',
  'WATERMARK_MISSING',
]);

/** The exit code for an error; `hasStarted` is whether the job had started by then. */
export function exitCodeOf(error: unknown, hasStarted: boolean): ExitCode {
  const code = errorCodeOf(error);
  if (code === 'JOB_CANCELED') return CANCELED;
  if (code === 'BUG') return JOB_FAILED;
  return hasStarted && !(code !== undefined && WRONG_PROGRAM.has(code)) ? JOB_FAILED : WRONG_USAGE;
}

/** The code of an error of ours, whichever copy of the package made it. */
export function errorCodeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const code = String(error.code);
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined;
}
