/**
 * `millrace run`: starts a job module, shows how it goes, tells how it ended.
 *
 * Invariants:
 * 1. The first interrupt cancels the job, a second one ends the process at once.
 * 2. Progress goes to the standard error and only if that is a terminal; the summary, and nothing
 *    else of ours, to the standard output.
 */
import type { Environment } from '../base/environment.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import type { JobClient, JobExecutionResult } from '../graph/job-client.ts';
import { executeJobModule } from '../job/execute-job-module.ts';
import { errorText } from './error-text.ts';
import { CANCELED, type ExitCode, exitCodeOf, FINISHED, WRONG_USAGE } from './exit-code.ts';
import { jobModuleUrl } from './job-module-url.ts';
import { jsonFailure, jsonLine, jsonResult } from './json-output.ts';
import { LiveLine } from './live-line.ts';
import type { RunRequest } from './requests.ts';
import { type OpenDoor, openDoor } from './run-door.ts';
import { summaryText } from './summary.ts';
import type { Terminal } from './terminal.ts';

/**
 * `npm start` passes Ctrl-C on to a process that the terminal has told already: two interrupts this
 * close together are one.
 */
const INTERRUPT_TWIN_MS = 300;

/** Runs it; never rejects. */
export async function runCommand(
  request: RunRequest,
  terminal: Terminal,
  environment: Environment,
): Promise<ExitCode> {
  const interrupts = new Interrupts(terminal, environment);
  let job: JobClient | undefined;
  let door: OpenDoor | undefined;
  try {
    job = await startJob(request, terminal, environment);
    interrupts.cancels(job);
    door = await openDoor(job, { request, terminal, environment });
    const result = await watchJob(job, terminal, environment);
    const numRestarts = job.restarts().length;
    terminal.stdout.write(
      request.json
        ? jsonResult(result, numRestarts)
        : summaryText(result, numRestarts, terminal.stdout.style),
    );
    return FINISHED;
  } catch (error) {
    if (hasErrorCode(error, 'JOB_FINISHED')) return reportFinished(error, request, terminal);
    const code = exitCodeOf(error, job !== undefined);
    reportFailure(error, code, request, terminal);
    return code;
  } finally {
    await door?.close();
    interrupts.release();
  }
}

/** The job that was to go on had come to its end: there is nothing to do, which is no failure. */
function reportFinished(error: unknown, { json }: RunRequest, { stdout }: Terminal): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  stdout.write(json ? jsonLine({ status: 'finished', message }) : `${message}\n`);
  return FINISHED;
}

async function startJob(
  request: RunRequest,
  terminal: Terminal,
  environment: Environment,
): Promise<JobClient> {
  const { clock, fileSystem } = environment;
  const startedAt = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const run = startedAt.replaceAll(':', '-');
  const job = await executeJobModule(jobModuleUrl(request.job, fileSystem), {
    executor: request.executor,
    configuration: request.configuration,
    resume: request.resume,
    onWarning: (warning) => terminal.stderr.write(`warning: ${warning.message}\n`),
    args: request.args.map((arg) => arg.replaceAll('{run}', run)),
  });
  await refuseCollected(job);
  return job;
}

/** Records of `collectAsync` wait for a program to read them: here nobody would, for ever. */
async function refuseCollected(job: JobClient): Promise<void> {
  const operators = job.metrics().vertices.flatMap((vertex) => vertex.operators);
  const collecting = operators.find((operator) => operator.kind === 'collect');
  if (collecting === undefined) return;
  await job.cancel();
  throw new MillraceError(
    'JOB_GRAPH_INVALID',
    `operator '${collecting.name}' collects records for a program, and on the command line there ` +
      'is none: use print() or sinkTo(…) instead of collectAsync(…), or run the job with ' +
      'executeJobModule',
    { details: { operator: collecting.name } },
  );
}

async function watchJob(
  job: JobClient,
  terminal: Terminal,
  { clock }: Environment,
): Promise<JobExecutionResult> {
  const { stdout, stderr } = terminal;
  if (!stderr.isTerminal) return job.getJobExecutionResult();
  const line = new LiveLine(job, stderr, clock);
  // Where both go to one screen, what the job prints must not land behind the line.
  const release = stdout.isTerminal ? terminal.beforeOutput(() => line.clear()) : undefined;
  line.start();
  try {
    return await job.getJobExecutionResult();
  } finally {
    line.stop();
    release?.();
  }
}

function reportFailure(
  error: unknown,
  code: ExitCode,
  { json }: RunRequest,
  { stdout, stderr }: Terminal,
): void {
  if (json) {
    const status = code === CANCELED ? 'canceled' : code === WRONG_USAGE ? 'invalid' : 'failed';
    stdout.write(jsonFailure(status, error));
  } else if (code === CANCELED) {
    stderr.write('canceled\n');
  } else {
    stderr.write(errorText(error, stderr.style));
  }
}

/** SIGINT and SIGTERM while a job is built and run. */
class Interrupts {
  readonly #terminal: Terminal;
  readonly #environment: Environment;
  readonly #release: () => void;
  #job: JobClient | undefined;
  #firstMs: number | undefined;

  constructor(terminal: Terminal, environment: Environment) {
    this.#terminal = terminal;
    this.#environment = environment;
    this.#release = terminal.onInterrupt(() => this.#interrupt());
  }

  /** From now on an interrupt cancels the job; before, there is nothing to cancel. */
  cancels(job: JobClient): void {
    this.#job = job;
  }

  release(): void {
    this.#release();
  }

  #interrupt(): void {
    const nowMs = this.#environment.clock.monotonicMs();
    if (this.#job === undefined) this.#terminal.exit(CANCELED);
    if (this.#firstMs === undefined) {
      this.#firstMs = nowMs;
      void this.#job.cancel();
    } else if (nowMs - this.#firstMs > INTERRUPT_TWIN_MS) {
      this.#terminal.exit(CANCELED);
    }
  }
}
