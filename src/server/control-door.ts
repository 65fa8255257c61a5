/**
 * The control door of a running job: HTTP over a Unix socket, so that `millrace list`, `cancel`,
 * `savepoint` and `stop` (and curl) reach it from other processes of the same user.
 *
 * Invariants:
 * 1. The door knows one job and does nothing that its JobClient cannot do. It never touches records
 *    or state.
 * 2. Whatever is sent is answered with a JSON body; garbage with a 4xx. Only a failure of the job's
 *    own is a 5xx.
 * 3. After `close` the socket's file is gone. Before, clients that wait for an outcome have had
 *    {@link TELL_TIMEOUT_MS} to read it: a job that is stopped ends before whoever stopped it has
 *    asked again.
 */
import type { Environment, HttpRequest, HttpResponse } from '../base/environment.ts';
import type { CheckpointInfo, JobClient, SavepointOptions } from '../graph/job-client.ts';
import { controlDoorPath } from '../job/control-door-path.ts';
import { errorResponse, jsonResponse, RequestError } from './http-error.ts';
import { checkpointsBody, exceptionsBody, jobBody, jobSummary, metricsBody } from './job-bodies.ts';
import { type OperationKind, Operations } from './operations.ts';
import { readBody } from './request-body.ts';
import { matchRoute, type RouteMatch } from './router.ts';
import type { JobsBody, RestSavepointFormat, TriggerBody } from './routes.ts';

/** An open door; its owner closes it when the job has ended. */
export interface ControlDoor extends AsyncDisposable {
  /** The socket's. */
  readonly path: string;
  close(): Promise<void>;
}

const TELL_TIMEOUT_MS = 2000;

/**
 * Opens the door of a job.
 *
 * @throws NETWORK_FAILED, FILE_FAILED if the socket cannot be made
 */
export async function openControlDoor(
  job: JobClient,
  environment: Environment,
): Promise<ControlDoor> {
  const path = controlDoorPath(job.jobId, environment);
  const operations = new Operations(environment);
  const server = await environment.network.serveHttp(path, (request) =>
    answerRequest({ job, environment, operations }, request),
  );
  const close = async (): Promise<void> => {
    await operations.allTold(TELL_TIMEOUT_MS);
    await server.close();
  };
  return { path, close, [Symbol.asyncDispose]: close };
}

/** What requests are answered from. */
export interface DoorContext {
  readonly job: JobClient;
  readonly environment: Pick<Environment, 'clock' | 'random'>;
  readonly operations: Operations;
}

/** Answers one request; never rejects. */
export async function answerRequest(
  context: DoorContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  try {
    const match = matchRoute(request.method, request.target);
    checkJob(context.job, match.parts.get('job'));
    return await answerRoute(context, match, request);
  } catch (error) {
    return errorResponse(error);
  }
}

function checkJob({ jobId, jobName }: JobClient, wanted: string | undefined): void {
  if (wanted === undefined || wanted === jobId) return;
  throw new RequestError(404, `this is the door of job '${jobName}' (${jobId}), no other`, {
    code: 'JOB_NOT_FOUND',
  });
}

async function answerRoute(
  context: DoorContext,
  { name, parts, query }: RouteMatch,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { job, environment, operations } = context;
  const requestId = parts.get('request') ?? '';
  switch (name) {
    case 'jobs':
      return jsonResponse(200, { jobs: [jobSummary(job)] } satisfies JobsBody);
    case 'job':
      return jsonResponse(200, jobBody(job, environment.clock.now()));
    case 'metrics':
      return jsonResponse(200, metricsBody(job, environment.clock.now(), query.get('get')));
    case 'exceptions':
      return jsonResponse(200, exceptionsBody(job));
    case 'checkpoints':
      return jsonResponse(200, checkpointsBody(job.checkpoints()));
    case 'checkpointStatus':
      return jsonResponse(200, operations.status('checkpoint', requestId));
    case 'savepointStatus':
      return jsonResponse(200, operations.status('savepoint', requestId));
    case 'cancel':
      return cancel(job, query);
    case 'triggerCheckpoint':
      return triggerCheckpoint(context, request);
    case 'triggerSavepoint':
      return triggerSavepoint(context, request);
    case 'stop':
      return stop(context, request);
    default:
      return name satisfies never;
  }
}

function cancel(job: JobClient, query: URLSearchParams): HttpResponse {
  const mode = query.get('mode') ?? 'cancel';
  if (mode !== 'cancel') throw new RequestError(400, 'mode must be cancel');
  refuseEnded(job);
  // Its end is told by the job's status; a failure to let go of something is told by its result.
  job.cancel().catch(() => undefined);
  return jsonResponse(202, {});
}

function triggerCheckpoint(context: DoorContext, request: HttpRequest): HttpResponse {
  const { triggerId } = readBody(request, { triggerId: 'string' });
  return begin(context, 'checkpoint', triggerId, (job) => job.triggerCheckpoint());
}

function triggerSavepoint(context: DoorContext, request: HttpRequest): HttpResponse {
  const body = readBody(request, {
    'target-directory': 'string',
    'format-type': FORMATS,
    'cancel-job': 'boolean',
    triggerId: 'string',
  });
  const options = savepointOptions(body['target-directory'], body['format-type']);
  const cancels = body['cancel-job'] === true;
  return begin(context, 'savepoint', body.triggerId, async (job) => {
    const savepoint = await job.triggerSavepoint(options);
    if (cancels) await job.cancel();
    return savepoint;
  });
}

function stop(context: DoorContext, request: HttpRequest): HttpResponse {
  const body = readBody(request, {
    targetDirectory: 'string',
    drain: 'boolean',
    formatType: FORMATS,
    triggerId: 'string',
  });
  const options = savepointOptions(body.targetDirectory, body.formatType);
  const drain = body.drain === true;
  return begin(context, 'savepoint', body.triggerId, (job) =>
    job.stopWithSavepoint({ ...options, drain }),
  );
}

const FORMATS = ['CANONICAL', 'NATIVE'] as const;

function savepointOptions(
  directory: string | undefined,
  formatType: RestSavepointFormat | undefined,
): SavepointOptions {
  const formats = { CANONICAL: 'canonical', NATIVE: 'native' } as const;
  return { directory, format: formatType === undefined ? undefined : formats[formatType] };
}

function begin(
  { job, operations }: DoorContext,
  kind: OperationKind,
  triggerId: string | undefined,
  start: (job: JobClient) => Promise<CheckpointInfo>,
): HttpResponse {
  refuseEnded(job);
  const id = operations.begin(kind, triggerId, () => start(job));
  return jsonResponse(202, { 'request-id': id } satisfies TriggerBody);
}

function refuseEnded(job: JobClient): void {
  const status = job.status();
  if (status !== 'finished' && status !== 'canceled' && status !== 'failed') return;
  throw new RequestError(409, `job '${job.jobName}' (${job.jobId}) is ${status}`, {
    code: 'ILLEGAL_STATE',
  });
}
