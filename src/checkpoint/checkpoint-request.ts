/** What somebody, or the schedule, wants of the coordinator. */
import { MillraceError } from '../base/errors.ts';
import type { SnapshotKind } from '../state/snapshot.ts';
import type { SavepointStop } from './checkpoint-messages.ts';
import type { CheckpointInfo } from './checkpoint-statistics.ts';

/** See the file's head. */
export interface CheckpointRequest {
  readonly kind: 'checkpoint' | 'savepoint';
  /** Undefined: as the schedule says. */
  readonly snapshotKind: SnapshotKind | undefined;
  readonly stop: SavepointStop | undefined;
  readonly isFinal: boolean;
  readonly directory: string | undefined;
  readonly resolve: (info: CheckpointInfo) => void;
  readonly reject: (error: Error) => void;
}

/** A checkpoint that nobody waits for. */
export function automaticRequest(isFinal: boolean): CheckpointRequest {
  return {
    kind: 'checkpoint',
    snapshotKind: undefined,
    stop: undefined,
    isFinal,
    directory: undefined,
    resolve: () => undefined,
    reject: () => undefined,
  };
}

/** What the one who asked is told when it did not work. */
export function requestFailure({ kind }: CheckpointRequest, reason: Error): MillraceError {
  const code = kind === 'savepoint' ? 'SAVEPOINT_FAILED' : 'CHECKPOINT_FAILED';
  return new MillraceError(code, `the ${kind} was not taken: ${reason.message}`, { cause: reason });
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new MillraceError('BUG', `what was thrown is no error: ${String(thrown)}`);
}

/** The failure of an attempt whose drain has failed. */
export function drainFailure(reason: Error): MillraceError {
  return new MillraceError(
    'SAVEPOINT_FAILED',
    'the job was being drained and its savepoint has failed, so it is set back to its last ' +
      `checkpoint: ${reason.message}`,
    { cause: reason },
  );
}
