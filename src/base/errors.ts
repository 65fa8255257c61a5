/**
 * The one error class of Millrace and the catalogue of its codes.
 *
 * Codes are API: they are added, never renamed. A message says what happened, names the offending
 * value and what to do. Users match `code`, not `instanceof`. Errors cross threads as {@link
 * PlainError}, since `postMessage` drops the code.
 */

/** Every code that Millrace throws, with one line on when. */
export const ERROR_CODES = {
  /** An invariant of the engine is broken: report it. */
  BUG: 'an invariant of the engine is broken',
  /** A call's arguments are off. */
  ILLEGAL_ARGUMENT: 'an argument is not usable',
  /** A call is not allowed in this state. */
  ILLEGAL_STATE: 'the call is not possible now',
  /** A configuration key or value is unknown or out of range. */
  CONFIG_INVALID: 'a configuration option is unknown or has a bad value',
  /** The job module has no default export, throws while building, or cannot be read. */
  JOB_MODULE_INVALID: 'the job module cannot be used',
  /** Host and worker built different graphs from the same module. */
  JOB_GRAPH_MISMATCH: 'host and worker built different graphs',
  /** The program builds a graph that cannot run. */
  JOB_GRAPH_INVALID: 'the program builds a graph that cannot run',
  /** A parallelism is not a whole number from 1 to the maximum parallelism. */
  PARALLELISM_INVALID: 'a parallelism is out of range',
  /** Two operators have the same uid. */
  UID_DUPLICATE: 'two operators have the same uid',
  /** An event-time window has no watermarks before it. */
  WATERMARK_MISSING: 'an event-time operator has no watermarks before it',
  /** A key selector returned null, undefined or a value that cannot be a key. */
  KEY_INVALID: 'a key is null or of a kind that cannot be a key',
  /** A type has no codec. */
  TYPE_NOT_SERIALIZABLE: 'a value or type cannot be serialized',
  /** A record does not have the type that was declared for its stream. */
  RECORD_TYPE_MISMATCH: 'a record does not fit its declared type',
  /** A source met input that it cannot turn into a record. */
  RECORD_MALFORMED: 'a source met malformed input',
  /** An event-time operator met a record without a timestamp. */
  TIMESTAMP_MISSING: 'a record has no timestamp',
  /** User code threw. */
  USER_FUNCTION_FAILED: 'user code threw',
  /** A source or sink failed. */
  CONNECTOR_FAILED: 'a source or sink failed',
  /** A worker thread died. */
  WORKER_LOST: 'a worker thread died',
  /** The job was canceled. */
  JOB_CANCELED: 'the job was canceled',
  /** A simulation with faults gave something else than one without. */
  SIMULATION_FAILED: 'a simulated job failed or gave other results',
  /** The job failed. */
  JOB_FAILED: 'the job failed',
  /** State of a checkpoint or savepoint cannot become what the program declares. */
  STATE_INCOMPATIBLE: 'restored state does not fit the program',
  /** A checkpoint or savepoint holds state of an operator that the program does not have. */
  STATE_UNMATCHED: 'restored state belongs to no operator of the program',
  /** The binding of a state backend cannot be loaded. */
  STATE_BACKEND_UNAVAILABLE: 'a state backend cannot be used here',
  /** The store below a state backend failed. */
  STATE_STORE_FAILED: 'the store of a state backend failed',
  /** A checkpoint did not complete. */
  CHECKPOINT_FAILED: 'a checkpoint did not complete',
  /** A file of a checkpoint or savepoint is missing, torn or changed. */
  CHECKPOINT_DAMAGED: 'a checkpoint or savepoint is damaged',
  /** There is no checkpoint or savepoint where one was expected. */
  CHECKPOINT_NOT_FOUND: 'there is no such checkpoint or savepoint',
  /** A savepoint could not be taken. */
  SAVEPOINT_FAILED: 'a savepoint could not be taken',
  /** Another process runs the job on the same storage. */
  JOB_LOCKED: 'the job is owned by another process',
  /** There is no running job of that name or id. */
  JOB_NOT_FOUND: 'there is no such job',
  /** User code forbade restarts: what failed would fail again. */
  RESTARTS_SUPPRESSED: 'user code says that no restart mends its failure',
  /** The control door of a running job refused a request. */
  REQUEST_INVALID: 'a request to a running job is malformed',
  /** The job that was to be resumed has finished. */
  JOB_FINISHED: 'the job has finished already',
  /** An operator holds its worker for too long. */
  OPERATOR_STALLED: 'an operator does not give its worker back',
  /** A frame does not fit where it must. */
  FRAME_TOO_LARGE: 'a record or frame is too large',
  /** A binary format has an unknown version or is damaged. */
  FORMAT_INVALID: 'bytes are not of the expected format',
  /** A file or folder is missing. */
  FILE_NOT_FOUND: 'a file or folder does not exist',
  /** A file operation failed. */
  FILE_FAILED: 'a file operation failed',
  /** A connection could not be made or broke. */
  NETWORK_FAILED: 'a connection could not be made or broke',
  /** A feature exists in the API's model but not in this version. */
  UNSUPPORTED: 'not supported',
  /** A package that a connector or format needs is not installed. */
  PACKAGE_MISSING: 'an optional package is not installed',
} as const;

/** A code of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** An error as plain data, to cross threads and processes. */
export interface PlainError {
  readonly name: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: PlainError | undefined;
}

/** What a {@link MillraceError} may carry besides its message. */
export interface MillraceErrorOptions {
  /** The error below; always kept. */
  readonly cause?: unknown;
  /** Facts for programs: operator, record, file, offset. JSON-like values only. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Every error that Millrace throws. Match its {@link MillraceError.code}. */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError';
  /** What happened, as a stable code. */
  readonly code: ErrorCode;
  /** Facts for programs: operator, record, file, offset. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details;
  }
}

/** Whether `error` carries the given code, whichever copy of the package made it. */
export function hasErrorCode(error: unknown, code: ErrorCode): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

/** Turns any thrown value into plain data that survives `postMessage`. */
export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: describeThrown(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const details = error instanceof MillraceError ? error.details : undefined;
  const cause = error.cause === undefined ? undefined : toPlainError(error.cause);
  return { name: error.name, code, message: error.message, stack: error.stack, details, cause };
}

/** Rebuilds an error from {@link toPlainError}'s data, keeping name, code, stack and cause. */
export function fromPlainError(plain: PlainError): Error {
  const cause = plain.cause === undefined ? undefined : fromPlainError(plain.cause);
  const options = cause === undefined ? {} : { cause };
  const error =
    plain.code !== undefined && plain.code in ERROR_CODES
      ? new MillraceError(plain.code as ErrorCode, plain.message, {
          ...options,
          details: plain.details,
        })
      : Object.assign(
          new Error(plain.message, options),
          plain.code === undefined ? {} : { code: plain.code },
        );
  if (plain.stack !== undefined) error.stack = plain.stack;
  if (error.name !== plain.name) {
    Object.defineProperty(error, 'name', {
      value: plain.name,
      configurable: true,
      enumerable: false,
    });
  }
  return error;
}

function describeThrown(value: unknown): string {
  return typeof value === 'string' ? value : `a non-error was thrown: ${String(value)}`;
}
