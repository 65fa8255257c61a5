/**
 * The one place that makes the network's errors, so that every implementation fails in the same
 * words.
 */
import { MillraceError } from './errors.ts';

/** What was tried with which address, and the system's answer. */
export interface NetworkFailure {
  /** A verb in the infinitive, such as `connect to`. */
  readonly operation: string;
  /** `host:port` of the other side, or of the listener. */
  readonly address: string;
  /** The system's code, such as `ECONNREFUSED`. */
  readonly system: string;
  readonly cause?: unknown;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there; check host and port, and that the server runs',
  ECONNRESET: 'the other side broke the connection',
  EPIPE: 'the connection is closed',
  EADDRINUSE: 'the port is taken; choose another, or 0 for any',
  ETIMEDOUT: 'the other side does not answer',
  ENAMETOOLONG: 'a socket’s path is too long for the system; set XDG_RUNTIME_DIR to a shorter one',
  ENOTFOUND: 'the host name is unknown',
};

/** `NETWORK_FAILED` with the system's code in `details.system`. */
export function networkError(failure: NetworkFailure): MillraceError {
  const { operation, address, system, cause } = failure;
  const reason = REMEDIES[system] ?? 'the system refused';
  return new MillraceError(
    'NETWORK_FAILED',
    `cannot ${operation} ${address}: ${reason} (${system})`,
    { cause, details: { operation, address, system } },
  );
}
