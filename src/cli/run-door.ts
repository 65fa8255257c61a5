/**
 * The control door of the job that `millrace run` runs.
 *
 * Invariant: a job runs without a door where none can be made (a read-only or foreign runtime
 * folder); that is said once.
 */
import type { Environment } from '../base/environment.ts';
import type { JobClient } from '../graph/job-client.ts';
import { type ControlDoor, openControlDoor } from '../server/control-door.ts';
import { forgetDoor, recordDoor } from '../server/find-jobs.ts';
import type { RunRequest } from './requests.ts';
import type { Terminal } from './terminal.ts';

/** An open door, with its record in the checkpoint directory. */
export interface OpenDoor {
  close(): Promise<void>;
}

/** What a door is opened with. */
export interface DoorSurroundings {
  readonly request: RunRequest;
  readonly terminal: Terminal;
  readonly environment: Environment;
}

/** Opens it; undefined if that is not possible. */
export async function openDoor(
  job: JobClient,
  { request, terminal, environment }: DoorSurroundings,
): Promise<OpenDoor | undefined> {
  const { fileSystem } = environment;
  const { jobId } = job;
  const directory = localDirectory(request.configuration['execution.checkpointing.dir']);
  let door: ControlDoor;
  try {
    door = await openControlDoor(job, environment);
  } catch (error) {
    warn(terminal, 'millrace list, cancel, savepoint and stop will not find this job', error);
    return undefined;
  }
  if (directory === undefined) return door;
  try {
    recordDoor(fileSystem, directory, { jobId, path: door.path });
  } catch (error) {
    warn(terminal, 'this job will not be found by its checkpoint directory', error);
    return door;
  }
  return {
    close: async () => {
      await door.close();
      forgetDoor(fileSystem, directory, jobId);
    },
  };
}

/** Paths and `file:` URLs; a door cannot be written down elsewhere. */
function localDirectory(directory: string | undefined): string | undefined {
  const isElsewhere = /^(?!file:)[a-z][a-z0-9+.-]+:/i.test(directory ?? '');
  return isElsewhere ? undefined : directory;
}

function warn({ stderr }: Terminal, what: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  stderr.write(`${stderr.style.dim(`${what}: ${reason}`)}\n`);
}
