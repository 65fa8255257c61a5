/**
 * The rules of a state's time to live, by processing time.
 *
 * Invariants:
 * 1. An element lives until `time + ttlMs`, that moment excluded, as in Flink.
 * 2. The rules are not part of snapshots: those of the descriptor in force count, for old elements,
 *    too.
 */
import { MillraceError } from '../../base/errors.ts';
import type { StateTtlConfig } from '../../functions/state.ts';
import type { Timed } from '../row-coder.ts';

/** Entries looked at per access, if nothing else is said. */
const CLEANUP_ENTRIES = 5;

/** See the file's head. */
export class TimeToLive {
  readonly ttlMs: number;
  /** Whether a read starts the time anew. */
  readonly updatesOnRead: boolean;
  /** Whether what is past its time may be read once more before it goes. */
  readonly returnsExpired: boolean;
  readonly cleanupEntries: number;
  readonly cleansFullSnapshots: boolean;
  readonly now: () => number;

  constructor(config: StateTtlConfig, now: () => number) {
    this.ttlMs = config.ttlMs;
    this.updatesOnRead = config.updateType === 'on-read-and-write';
    this.returnsExpired = config.stateVisibility === 'return-expired-if-not-cleaned-up';
    this.cleanupEntries = config.cleanupIncrementally ?? CLEANUP_ENTRIES;
    this.cleansFullSnapshots = config.cleanupFullSnapshot ?? true;
    this.now = now;
  }

  wrap(value: unknown): Timed {
    return { time: this.now(), value };
  }

  isExpired({ time }: Timed): boolean {
    return time + this.ttlMs <= this.now();
  }
}

/**
 * The rules of a descriptor; undefined if it has none, or says that they are disabled.
 *
 * @throws ILLEGAL_ARGUMENT
 */
export function timeToLive(
  config: StateTtlConfig | undefined,
  stateName: string,
  now: () => number,
): TimeToLive | undefined {
  if (config === undefined || config.updateType === 'disabled') return undefined;
  const { ttlMs, cleanupIncrementally = CLEANUP_ENTRIES } = config;
  if (!(Number.isFinite(ttlMs) && ttlMs > 0)) refuse(stateName, 'ttlMs', ttlMs, 'above 0');
  if (!(Number.isInteger(cleanupIncrementally) && cleanupIncrementally >= 0)) {
    refuse(stateName, 'cleanupIncrementally', cleanupIncrementally, 'whole and not below 0');
  }
  return new TimeToLive(config, now);
}

function refuse(stateName: string, option: string, value: unknown, must: string): never {
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `state '${stateName}': ${option} is ${String(value)}, but must be ${must}`,
    { details: { state: stateName, option, value } },
  );
}
