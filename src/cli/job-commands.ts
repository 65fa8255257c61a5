/**
 * `millrace list`, `cancel`, `savepoint` and `stop`: through the control doors of running jobs.
 *
 * Invariant: the engine is not loaded for this; a command ends as soon as the job has answered.
 */
import type { Environment } from '../base/environment.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import { askDoor, type OperationResult, runOperation, sleep } from '../server/door-client.ts';
import { findRunningJob, type RunningJob, runningJobs } from '../server/find-jobs.ts';
import type {
  JobBody,
  RestJobStatus,
  RestSavepointFormat,
  StopBody,
  TriggerSavepointBody,
} from '../server/routes.ts';
import { errorText } from './error-text.ts';
import { type ExitCode, exitCodeOf, FINISHED } from './exit-code.ts';
import { jsonFailure, jsonLine } from './json-output.ts';
import { durationText } from './number-text.ts';
import type {
  CancelRequest,
  JobRequest,
  ListRequest,
  SavepointFormat,
  SavepointRequest,
  StopRequest,
} from './requests.ts';
import { tableText } from './table-text.ts';
import type { Terminal } from './terminal.ts';
import type { TextStyle } from './text-style.ts';

/** What a command tells: the same for people and for programs. */
interface Outcome {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

const CANCEL_POLL_MS = 50;
/** A canceled job that is there after this long is told of. */
const CANCEL_TIMEOUT_MS = 60_000;

/** Runs one; never rejects. */
export async function jobCommand(
  request: JobRequest,
  { stdout, stderr }: Terminal,
  environment: Environment,
): Promise<ExitCode> {
  try {
    const { text, json } = await outcomeOf(request, environment, stdout.style);
    stdout.write(request.json ? jsonLine(json) : text);
    return FINISHED;
  } catch (error) {
    const isUsage = hasErrorCode(error, 'ILLEGAL_ARGUMENT');
    if (request.json) stdout.write(jsonFailure(isUsage ? 'invalid' : 'failed', error));
    else stderr.write(errorText(error, stderr.style));
    return exitCodeOf(error, !isUsage);
  }
}

function outcomeOf(
  request: JobRequest,
  environment: Environment,
  style: TextStyle,
): Promise<Outcome> {
  switch (request.kind) {
    case 'list':
      return list(request, environment, style);
    case 'cancel':
      return cancel(request, environment);
    case 'savepoint':
      return savepoint(request, environment);
    case 'stop':
      return stop(request, environment);
    default:
      return request satisfies never;
  }
}

async function list(
  request: ListRequest,
  environment: Environment,
  style: TextStyle,
): Promise<Outcome> {
  const jobs = await runningJobs(environment, request.checkpointDirectory);
  const json = {
    status: 'ok',
    jobs: jobs.map(({ id, name, status }) => ({ id, name, status })),
  };
  if (jobs.length === 0) return { text: 'no job is running here\n', json };
  const nowMs = environment.clock.now();
  const rows = jobs.map(({ id, name, status }) => [
    id,
    name,
    status.toLowerCase(),
    durationText(Math.max(0, nowMs - Number.parseInt(id.slice(0, 12), 16))),
  ]);
  return { text: tableText(['id', 'name', 'status', 'since its start'], rows, style), json };
}

async function cancel(request: CancelRequest, environment: Environment): Promise<Outcome> {
  const job = await findRunningJob(environment, request.job, request.checkpointDirectory);
  const parts = { job: job.id };
  await askDoor(environment, job.socketPath, { route: 'cancel', parts, query: 'mode=cancel' });
  const end = await endOf(job, environment);
  if (end === 'FAILED') {
    throw new MillraceError('JOB_FAILED', `job ${label(job)} failed while it was canceled`);
  }
  // A job that is gone has let go of everything, which is what was asked for.
  const status = end === 'FINISHED' ? 'finished' : 'canceled';
  return {
    text: `${status} ${label(job)}\n`,
    json: { status, jobId: job.id, jobName: job.name },
  };
}

/** Waits for the end of a job that has been told to end; undefined if its process has gone. */
async function endOf(
  job: RunningJob,
  environment: Environment,
): Promise<RestJobStatus | undefined> {
  const { clock } = environment;
  const deadlineMs = clock.monotonicMs() + CANCEL_TIMEOUT_MS;
  while (clock.monotonicMs() < deadlineMs) {
    try {
      const parts = { job: job.id };
      const { state } = await askDoor<JobBody>(environment, job.socketPath, {
        route: 'job',
        parts,
      });
      if (state === 'CANCELED' || state === 'FINISHED' || state === 'FAILED') return state;
    } catch (error) {
      if (hasErrorCode(error, 'NETWORK_FAILED')) return undefined;
      throw error;
    }
    await sleep(environment, CANCEL_POLL_MS);
  }
  throw new MillraceError(
    'JOB_FAILED',
    `job ${label(job)} has not ended ${durationText(CANCEL_TIMEOUT_MS)} after it was canceled: look at its process`,
  );
}

async function savepoint(request: SavepointRequest, environment: Environment): Promise<Outcome> {
  const job = await findRunningJob(environment, request.job, request.checkpointDirectory);
  const body: TriggerSavepointBody = {
    'target-directory': absolute(request.directory, environment),
    'format-type': restFormat(request.format),
  };
  const result = await runOperation(environment, job, { route: 'triggerSavepoint', body });
  return {
    text: `savepoint of ${label(job)} in ${durationText(result.durationMs)}\n${result.location}\n`,
    json: operationJson('completed', job, result),
  };
}

async function stop(request: StopRequest, environment: Environment): Promise<Outcome> {
  const job = await findRunningJob(environment, request.job, request.checkpointDirectory);
  const body: StopBody = {
    targetDirectory: absolute(request.directory, environment),
    formatType: restFormat(request.format),
    drain: request.drain,
  };
  const result = await runOperation(environment, job, { route: 'stop', body });
  const next = request.drain ? '' : `go on with: millrace run … --from ${result.location}\n`;
  return {
    text: `stopped ${label(job)} with a savepoint\n${result.location}\n${next}`,
    json: operationJson('stopped', job, result),
  };
}

function operationJson(
  status: string,
  job: RunningJob,
  { location, checkpointId, durationMs }: OperationResult,
): Outcome['json'] {
  return { status, jobId: job.id, jobName: job.name, location, checkpointId, durationMs };
}

/** The job's process may work in another folder. */
function absolute(directory: string | undefined, { fileSystem }: Environment): string | undefined {
  if (directory === undefined || /^[a-z][a-z0-9+.-]+:/i.test(directory)) return directory;
  return fileSystem.resolve(directory);
}

function restFormat(format: SavepointFormat | undefined): RestSavepointFormat | undefined {
  if (format === undefined) return undefined;
  return format === 'native' ? 'NATIVE' : 'CANONICAL';
}

function label({ name, id }: RunningJob): string {
  return `'${name}' (${id})`;
}
