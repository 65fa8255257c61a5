/**
 * Restart strategies: whether a failed job starts again from its last checkpoint, and after how
 * long.
 *
 * Invariants:
 * 1. A strategy is a state machine over the times of failures. It owns no timer and reads no clock;
 *    who restarts the job waits.
 * 2. A failure that no restart mends (a wrong program, state that does not fit, {@link
 *    MENDED_BY_NO_RESTART}) is never retried, whatever the strategy, wherever in the chain of
 *    causes it stands.
 */
import type { Random } from '../base/environment.ts';
import { ERROR_CODES, type ErrorCode } from '../base/errors.ts';
import { RESTART_DEFAULTS, type RestartConfiguration } from '../graph/configuration.ts';

/** What is to happen after a failure. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  /** `reason` completes "the job was not restarted: …". */
  | { readonly kind: 'give-up'; readonly reason: string };

/** See the file's head. */
export interface RestartStrategy {
  /** Told of every failure once, in the order of `nowMs` (any clock, always the same one). */
  onFailure(nowMs: number, error: unknown): RestartDecision;
}

/** What a strategy is made from. */
export interface RestartStrategyOptions {
  readonly restart: RestartConfiguration;
  /** Whether the job takes checkpoints: then the default is to restart, else to give up. */
  readonly hasCheckpoints: boolean;
  /** For the jitter. */
  readonly random: Pick<Random, 'nextDouble'>;
}

/** Codes of failures that would come again. */
const MENDED_BY_NO_RESTART: ReadonlySet<string> = new Set<ErrorCode>([
  'BUG',
  'CONFIG_INVALID',
  'JOB_MODULE_INVALID',
  'JOB_GRAPH_INVALID',
  'JOB_GRAPH_MISMATCH',
  'PARALLELISM_INVALID',
  'UID_DUPLICATE',
  'WATERMARK_MISSING',
  'TYPE_NOT_SERIALIZABLE',
  'JOB_CANCELED',
  'JOB_LOCKED',
  'STATE_INCOMPATIBLE',
  'STATE_UNMATCHED',
  'STATE_BACKEND_UNAVAILABLE',
  'CHECKPOINT_DAMAGED',
  'CHECKPOINT_NOT_FOUND',
  'RESTARTS_SUPPRESSED',
  'PACKAGE_MISSING',
  'UNSUPPORTED',
]);

/** Errors' causes are followed so far. */
const CAUSES_MAX = 32;

/** The strategy of a job. */
export function restartStrategy(options: RestartStrategyOptions): RestartStrategy {
  const strategy = chosenStrategy(options);
  return {
    onFailure(nowMs, error) {
      const reason = unmendedReason(error);
      return reason === undefined ? strategy.onFailure(nowMs, error) : giveUp(reason);
    },
  };
}

/** Why no restart mends a failure; undefined if one may. */
export function unmendedReason(error: unknown): string | undefined {
  let each = error;
  for (let depth = 0; depth < CAUSES_MAX && each instanceof Error; depth++) {
    const code = 'code' in each ? String(each.code) : '';
    if (MENDED_BY_NO_RESTART.has(code)) return `${code}: ${ERROR_CODES[code as ErrorCode]}`;
    each = each.cause;
  }
  return undefined;
}

function chosenStrategy({
  restart,
  hasCheckpoints,
  random,
}: RestartStrategyOptions): RestartStrategy {
  switch (restart.kind) {
    case 'none':
      return NO_RESTART;
    case 'fixed-delay':
      return new FixedDelay(restart);
    case 'failure-rate':
      return new FailureRate(restart);
    case 'exponential-delay':
      return new ExponentialDelay(restart, random);
    case 'default':
      return hasCheckpoints
        ? new ExponentialDelay(RESTART_DEFAULTS['exponential-delay'], random)
        : NO_CHECKPOINTS;
    default:
      return restart satisfies never;
  }
}

type Configured<Kind extends RestartConfiguration['kind']> = Omit<
  Extract<RestartConfiguration, { readonly kind: Kind }>,
  'kind'
>;

const NO_RESTART: RestartStrategy = {
  onFailure: () => giveUp('restart-strategy.type is none'),
};

const NO_CHECKPOINTS: RestartStrategy = {
  onFailure: () =>
    giveUp(
      'the job takes no checkpoints, so there is nothing to go back to; set execution.checkpointing.interval, or a ' +
        'restart-strategy.type to start again from the beginning',
    ),
};

/** So many restarts, each after the same delay. */
class FixedDelay implements RestartStrategy {
  readonly #options: Configured<'fixed-delay'>;
  #attempts = 0;

  constructor(options: Configured<'fixed-delay'>) {
    this.#options = options;
  }

  onFailure(): RestartDecision {
    const { attempts, delayMs } = this.#options;
    if (this.#attempts >= attempts) {
      return giveUp(
        `it was restarted ${times(attempts)}, as restart-strategy.fixed-delay.attempts allows`,
      );
    }
    this.#attempts++;
    return { kind: 'restart', delayMs };
  }
}

/** Restarts while failures are rare: up to the maximum within any interval. */
class FailureRate implements RestartStrategy {
  readonly #options: Configured<'failure-rate'>;
  /** Of the last failures, one more than are allowed in an interval; oldest first. */
  readonly #failuresMs: number[] = [];

  constructor(options: Configured<'failure-rate'>) {
    this.#options = options;
  }

  onFailure(nowMs: number): RestartDecision {
    const { failuresPerIntervalMax, intervalMs, delayMs } = this.#options;
    this.#failuresMs.push(nowMs);
    if (this.#failuresMs.length > failuresPerIntervalMax + 1) this.#failuresMs.shift();
    const [oldestMs = nowMs] = this.#failuresMs;
    const isFull = this.#failuresMs.length > failuresPerIntervalMax;
    if (!isFull || nowMs - oldestMs > intervalMs) return { kind: 'restart', delayMs };
    return giveUp(
      `it failed ${times(failuresPerIntervalMax + 1)} within ${intervalMs} ms, and restart-strategy.failure-rate.` +
        `max-failures-per-interval is ${failuresPerIntervalMax}`,
    );
  }
}

/** Delays that grow from restart to restart, and start anew after a long time without failure. */
class ExponentialDelay implements RestartStrategy {
  readonly #options: Configured<'exponential-delay'>;
  readonly #random: Pick<Random, 'nextDouble'>;
  #attempts = 0;
  /** When the job was to run again after the last failure. */
  #restartedMs = Number.NEGATIVE_INFINITY;

  constructor(options: Configured<'exponential-delay'>, random: Pick<Random, 'nextDouble'>) {
    this.#options = options;
    this.#random = random;
  }

  onFailure(nowMs: number): RestartDecision {
    const { resetBackoffThresholdMs, attemptsBeforeResetMax } = this.#options;
    if (nowMs - this.#restartedMs >= resetBackoffThresholdMs) this.#attempts = 0;
    if (this.#attempts >= attemptsBeforeResetMax) {
      return giveUp(
        `it was restarted ${times(attemptsBeforeResetMax)} without ${resetBackoffThresholdMs} ms of peace in between, as ` +
          'restart-strategy.exponential-delay.attempts-before-reset-backoff allows',
      );
    }
    const delayMs = this.#delayMs();
    this.#attempts++;
    this.#restartedMs = nowMs + delayMs;
    return { kind: 'restart', delayMs };
  }

  #delayMs(): number {
    const { initialBackoffMs, maxBackoffMs, backoffMultiplier, jitterFactor } = this.#options;
    const backoffMs = Math.min(
      initialBackoffMs * backoffMultiplier ** this.#attempts,
      maxBackoffMs,
    );
    const jitterMs = backoffMs * jitterFactor * (2 * this.#random.nextDouble() - 1);
    return Math.min(Math.round(backoffMs + jitterMs), maxBackoffMs);
  }
}

function giveUp(reason: string): RestartDecision {
  return { kind: 'give-up', reason };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
