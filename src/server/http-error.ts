/** Answers of the door: JSON, and errors with a status. */
import type { HttpResponse } from '../base/environment.ts';
import { type ErrorCode, MillraceError } from '../base/errors.ts';
import type { ErrorBody } from './routes.ts';

/** A request that is answered with an error of the client's. */
export class RequestError extends MillraceError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: {
      readonly code?: ErrorCode;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(options.code ?? 'REQUEST_INVALID', message);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

/** A JSON answer. Numbers that JSON cannot write become null. */
export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

/** The answer for whatever was thrown. */
export function errorResponse(error: unknown): HttpResponse {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'BUG';
  const body: ErrorBody = { code, message, errors: [message] };
  if (error instanceof RequestError) return jsonResponse(error.status, body, error.headers);
  return jsonResponse(STATUS_BY_CODE[code] ?? 500, body);
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  REQUEST_INVALID: 400,
  ILLEGAL_ARGUMENT: 400,
  CONFIG_INVALID: 400,
  JOB_NOT_FOUND: 404,
  ILLEGAL_STATE: 409,
  JOB_CANCELED: 409,
  UNSUPPORTED: 409,
};
