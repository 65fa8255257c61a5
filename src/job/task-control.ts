/**
 * What the tasks of one thread are told about checkpoints and the end of the job.
 *
 * Invariant: a checkpoint is known before any barrier of it is handled, so a task that the barrier
 * reaches knows where its files go. Where messages come by a port, `receive` fetches what is there
 * already: `checkpoint-begun` was posted to every port before the first trigger was.
 */
import type { CheckpointBarrier } from '../checkpoint/barrier.ts';
import type { CheckpointPlace, CheckpointTrigger } from '../checkpoint/checkpoint-messages.ts';
import { MillraceError } from '../base/errors.ts';
import type { CheckpointingConfiguration } from '../graph/configuration.ts';
import type { BuiltTask } from '../runtime/worker/task-builder.ts';
import type { TaskMessage } from './messages.ts';

interface Begun {
  readonly place: CheckpointPlace;
  readonly barrier: CheckpointBarrier;
}

/** See the file's head. */
export class TaskControl {
  readonly #tasks: () => readonly BuiltTask[];
  readonly #isUnaligned: boolean;
  readonly #alignedTimeoutMs: number;
  readonly #receive: () => void;
  readonly #begun = new Map<number, Begun>();

  constructor(options: {
    readonly tasks: () => readonly BuiltTask[];
    readonly checkpointing: CheckpointingConfiguration;
    /** Handles messages that have come and were not read yet. */
    readonly receive: () => void;
  }) {
    this.#tasks = options.tasks;
    const { unaligned, mode, alignedTimeoutMs } = options.checkpointing;
    this.#isUnaligned = unaligned && mode === 'exactly-once';
    this.#alignedTimeoutMs = alignedTimeoutMs;
    this.#receive = options.receive;
  }

  /** Where the files of a checkpoint go. */
  placeOf(checkpointId: number): CheckpointPlace {
    return this.#begunOf(checkpointId).place;
  }

  /** The barrier of a checkpoint. */
  barrierOf(checkpointId: number): CheckpointBarrier {
    return this.#begunOf(checkpointId).barrier;
  }

  #begunOf(checkpointId: number): Begun {
    if (!this.#begun.has(checkpointId)) this.#receive();
    const begun = this.#begun.get(checkpointId);
    if (begun !== undefined) return begun;
    throw new MillraceError(
      'BUG',
      `a barrier of checkpoint ${checkpointId} came before its trigger`,
    );
  }

  handle(message: TaskMessage): void {
    switch (message.kind) {
      case 'checkpoint-begun':
        this.#begin(message.trigger);
        break;
      case 'trigger-checkpoint':
        this.#trigger(message.trigger);
        break;
      case 'checkpoint-complete':
        this.#complete(message.notification);
        break;
      case 'checkpoint-aborted':
        this.#aborted(message.checkpointId);
        break;
      default:
        message satisfies never;
    }
  }

  #begin(trigger: CheckpointTrigger): Begun {
    const barrier = barrierOf(trigger, this.#isUnaligned);
    const begun = { place: trigger.place, barrier };
    this.#begun.set(trigger.checkpointId, begun);
    return begun;
  }

  #trigger(trigger: CheckpointTrigger): void {
    const { barrier } = this.#begin(trigger);
    for (const { task, source } of this.#tasks()) {
      if (trigger.stop === 'suspend') source?.setSuspended(true);
      if (trigger.stop === 'drain') source?.endInput();
      if (task.isFinished) continue;
      if (barrier.isUnaligned) task.mayOvertake(barrier, this.#alignedTimeoutMs);
      task.triggerCheckpoint(barrier, trigger.stop === 'drain');
    }
  }

  #complete(
    notification: Extract<TaskMessage, { kind: 'checkpoint-complete' }>['notification'],
  ): void {
    const { checkpointId, commits, isFinal, stop } = notification;
    this.#forget(checkpointId);
    for (const { task } of this.#tasks()) {
      if (task.isFinished) continue;
      task.notifyCheckpointComplete(checkpointId, commits);
      if (isFinal || stop !== undefined) task.endAfterLastCheckpoint();
    }
  }

  #aborted(checkpointId: number): void {
    this.#forget(checkpointId);
    for (const { task, source } of this.#tasks()) {
      if (task.isFinished) continue;
      task.notifyCheckpointAborted(checkpointId);
      // A savepoint that should have ended the job did not: the job goes on.
      source?.setSuspended(false);
    }
  }

  /** A late barrier of an older checkpoint is ignored by then, so its place is needed no more. */
  #forget(checkpointId: number): void {
    for (const id of this.#begun.keys()) if (id < checkpointId) this.#begun.delete(id);
  }
}

function barrierOf(trigger: CheckpointTrigger, isUnaligned: boolean): CheckpointBarrier {
  const isSavepoint = trigger.kind === 'savepoint';
  return {
    checkpointId: trigger.checkpointId,
    timestamp: trigger.triggeredMs,
    isSavepoint,
    snapshotKind: trigger.snapshotKind,
    // As in Flink, savepoints are always aligned.
    isUnaligned: isUnaligned && !isSavepoint,
  };
}
