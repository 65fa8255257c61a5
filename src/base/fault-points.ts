/**
 * Named places in the protocols of checkpoints, commits and recovery at which tests make the
 * process, a write or a thread fail.
 *
 * Invariants:
 * 1. Each point stands at one step, before or after the act that its text names; tests enumerate
 *    {@link FAULT_POINTS}.
 * 2. Without an injected {@link Environment.faultPoint} a point is one comparison with undefined.
 */

/** Every point, with what is about to happen or has just happened there. */
export const FAULT_POINTS = {
  'checkpoint.triggered': 'the coordinator has sent the triggers, no barrier is in a channel yet',
  'barrier.injected': 'a source has written its barrier behind its last record',
  'barrier.aligned': 'a task has the barrier from all its channels',
  'state.cut': 'the synchronous part of a subtask’s snapshot is over',
  'state.table-written': 'the rows of a state have been encoded for the snapshot',
  'state.merge': 'rows are being merged into the store below',
  'state.store-checkpoint': 'the store below has been flushed and its files are linked',
  'snapshot.file-written': 'a file of a snapshot has all its bytes, not yet durable',
  'snapshot.uploaded': 'all files of a subtask’s snapshot are with the storage',
  'snapshot.acknowledged': 'a subtask has acknowledged its snapshot',
  'sink.precommit': 'a sink is about to hand out what is to be committed',
  'sink.precommitted': 'a sink has handed out what is to be committed',
  'checkpoint.all-acknowledged': 'the coordinator has every acknowledgement, no manifest yet',
  'storage.sync-file': 'a file is about to be made durable',
  'storage.sync-folder': 'a folder is about to be made durable',
  'manifest.write': 'the manifest is about to be written under a temporary name',
  'manifest.rename': 'the manifest is durable under its temporary name',
  'manifest.renamed': 'the manifest has its name, which is not durable yet',
  'checkpoint.completed': 'the checkpoint is complete, nobody has been told',
  'checkpoint.notify': 'the tasks are about to be told that the checkpoint is complete',
  'sink.commit': 'a sink is about to commit',
  'sink.committed': 'a sink has committed',
  'checkpoint.remove-old': 'an old checkpoint’s manifest is about to be removed',
  'checkpoint.remove-files': 'files that no checkpoint names any more are about to be removed',
  'restore.begin': 'a checkpoint has been chosen for a restore',
  'restore.files-verified': 'the files of that checkpoint have their lengths and checksums',
  'restore.state': 'a subtask is about to take over its state',
  'restore.committables': 'a sink is about to commit what its restored snapshot holds',
  'restore.running': 'every task has been restored and is about to run',
} as const;

/** The name of a fault point. */
export type FaultPoint = keyof typeof FAULT_POINTS;

/** All names. */
export const faultPoints: readonly FaultPoint[] = Object.keys(FAULT_POINTS) as FaultPoint[];
