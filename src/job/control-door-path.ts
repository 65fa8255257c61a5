/**
 * Where a job's control door listens: known as soon as the job has an id, so that locks and
 * messages can name it.
 */
import type { Environment } from '../base/environment.ts';

/** The socket's path. */
export function controlDoorPath(jobId: string, { network }: Pick<Environment, 'network'>): string {
  return `${network.localSocketFolder()}/${jobId}.sock`;
}
