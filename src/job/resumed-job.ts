/** Finds the job to go on with in a checkpoint directory. */
import { MillraceError } from '../base/errors.ts';
import { type JobEntry, latestJob } from '../checkpoint/job-directory.ts';
import { openStorage } from '../checkpoint/storage/open-storage.ts';
import type { ExecutionRequest } from '../graph/job-client.ts';

/**
 * The newest job of this name in the request's checkpoint directory; undefined if there is none or
 * none is asked for.
 *
 * @throws CONFIG_INVALID without a checkpoint directory
 */
export function resumedJob({ resume, graph, environment }: ExecutionRequest): JobEntry | undefined {
  if (resume !== true) return undefined;
  const { directory } = graph.configuration.checkpointing;
  if (directory === undefined) {
    throw new MillraceError(
      'CONFIG_INVALID',
      'to resume a job its checkpoint directory must be named: give execution.checkpointing.dir (--checkpoint-dir)',
    );
  }
  return latestJob(openStorage(directory, environment), graph.jobName);
}
