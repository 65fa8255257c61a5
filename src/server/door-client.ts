/**
 * Speaks to a job's control door. Invariant: every answer that is no success becomes the
 * MillraceError that the door told of.
 */
import type { Environment } from '../base/environment.ts';
import { ERROR_CODES, type ErrorCode, MillraceError } from '../base/errors.ts';
import {
  type ErrorBody,
  type OperationBody,
  type RouteName,
  routePath,
  ROUTES,
  type TriggerBody,
} from './routes.ts';

/** One question. */
export interface DoorQuestion {
  readonly route: RouteName;
  /** What stands for `:job` and `:request`. */
  readonly parts?: Readonly<Record<string, string>>;
  /** After `?`. */
  readonly query?: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

const ANSWER_TIMEOUT_MS = 10_000;
/** Between two looks at an operation: soon at first, then rarely. */
const POLL_MS_FIRST = 20;
const POLL_MS_MAX = 500;

/** Asks, and gives the body of the answer. */
export async function askDoor<Body>(
  { network }: Pick<Environment, 'network'>,
  socketPath: string,
  question: DoorQuestion,
): Promise<Body> {
  const { route, parts, query, body, timeoutMs = ANSWER_TIMEOUT_MS } = question;
  const path = routePath(route, parts);
  const response = await network.requestHttp(
    socketPath,
    {
      method: ROUTES[route].method,
      target: query === undefined ? path : `${path}?${query}`,
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body)),
    },
    timeoutMs,
  );
  const answer = parseAnswer(response.body, socketPath);
  if (response.status >= 200 && response.status < 300) return answer as Body;
  throw errorOf(answer as Partial<ErrorBody>, response.status);
}

/** What an operation left. */
export type OperationResult = Extract<
  NonNullable<OperationBody['operation']>,
  { readonly location: string }
>;

/** A job's door. */
export interface DoorAddress {
  readonly id: string;
  readonly socketPath: string;
}

/**
 * Triggers a savepoint or a stop and waits for its outcome.
 *
 * @throws what the job threw, by its code; NETWORK_FAILED if the job ends meanwhile
 */
export async function runOperation(
  environment: Pick<Environment, 'network' | 'clock'>,
  { id, socketPath }: DoorAddress,
  { route, body }: { readonly route: 'triggerSavepoint' | 'stop'; readonly body: unknown },
): Promise<OperationResult> {
  const parts = { job: id };
  const trigger = await askDoor<TriggerBody>(environment, socketPath, { route, parts, body });
  const status: DoorQuestion = {
    route: 'savepointStatus',
    parts: { job: id, request: trigger['request-id'] },
  };
  for (let pollMs = POLL_MS_FIRST; ; pollMs = Math.min(pollMs * 2, POLL_MS_MAX)) {
    const { operation } = await askDoor<OperationBody>(environment, socketPath, status);
    if (operation !== undefined) return resultOf(operation);
    await sleep(environment, pollMs);
  }
}

/** Resolves after that long. */
export function sleep({ clock }: Pick<Environment, 'clock'>, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}

function resultOf(operation: NonNullable<OperationBody['operation']>): OperationResult {
  if ('location' in operation) return operation;
  const { class: name, message } = operation['failure-cause'];
  throw codedError(name, message);
}

function parseAnswer(bytes: Uint8Array, socketPath: string): unknown {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof answer === 'object' && answer !== null) return answer;
  } catch {
    // Told below, as any other answer that is no object.
  }
  throw new MillraceError('FORMAT_INVALID', `who answers at ${socketPath} is no job of Millrace`);
}

function errorOf({ code, message }: Partial<ErrorBody>, status: number): MillraceError {
  return codedError(String(code), message ?? `the job answered with status ${status}`);
}

function codedError(code: string, message: string): MillraceError {
  return Object.hasOwn(ERROR_CODES, code)
    ? new MillraceError(code as ErrorCode, message)
    : new MillraceError('JOB_FAILED', `${code}: ${message}`);
}
