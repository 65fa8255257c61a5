/** The coordinator's way to the tasks of whichever attempt runs. */
import { MillraceError } from '../base/errors.ts';
import type { CheckpointLink } from '../checkpoint/checkpoint-messages.ts';
import type { TaskRunner } from './job-runner.ts';

/** What the link needs. */
export interface CheckpointLinkOptions {
  /** The attempt that runs now, if one does. */
  readonly runner: () => TaskRunner | undefined;
  /** Takes errors that end nothing: what could not be removed, what was passed over. */
  readonly warn: (error: Error) => void;
}

/** See the file's head. */
export function checkpointLink({ runner, warn }: CheckpointLinkOptions): CheckpointLink {
  return {
    snapshotEnumerators: () => {
      const states = runner()?.snapshotEnumerators();
      if (states !== undefined) return states;
      throw new MillraceError('CHECKPOINT_FAILED', 'a split enumerator has not started yet');
    },
    trigger: (trigger) => runner()?.send({ kind: 'trigger-checkpoint', trigger }),
    notifyComplete: (notification) => runner()?.send({ kind: 'checkpoint-complete', notification }),
    notifyAborted: (checkpointId) => runner()?.send({ kind: 'checkpoint-aborted', checkpointId }),
    failJob: (error) => runner()?.fail(error),
    cleanupFailed: warn,
  };
}
