/**
 * Finds the running jobs of this user by their doors: the sockets in the runtime folder and, for
 * jobs that were started with another one (a container, another XDG_RUNTIME_DIR), those that a
 * checkpoint directory names.
 *
 * Invariants:
 * 1. A job is running if its door answers. Sockets of dead processes are passed over.
 * 2. A text means one job or none: an id, a name, or the beginning of an id.
 */
import type { Environment } from '../base/environment.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import { askDoor } from './door-client.ts';
import type { JobsBody, JobSummary } from './routes.ts';

/** A running job and where its door is. */
export interface RunningJob extends JobSummary {
  readonly socketPath: string;
}

/** The world as far as doors need it. */
export type DoorEnvironment = Pick<Environment, 'network' | 'fileSystem' | 'clock'>;

/** Name of the file that holds the socket's path, in a job's folder of the checkpoint directory. */
const DOOR_FILE = 'door';
const LIST_TIMEOUT_MS = 2000;
const PATH_BYTES_MAX = 4096;

/** Writes down where a job's door is, at `<checkpointDirectory>/<jobId>/door`. */
export function recordDoor(
  fileSystem: Environment['fileSystem'],
  checkpointDirectory: string,
  door: { readonly jobId: string; readonly path: string },
): void {
  const folder = `${localPath(checkpointDirectory)}/${door.jobId}`;
  fileSystem.makeDirectory(folder);
  using file = fileSystem.open(`${folder}/${DOOR_FILE}`, 'write');
  file.append(new TextEncoder().encode(`${door.path}\n`));
}

/** Undoes {@link recordDoor}. */
export function forgetDoor(
  fileSystem: Environment['fileSystem'],
  checkpointDirectory: string,
  jobId: string,
): void {
  fileSystem.remove(`${localPath(checkpointDirectory)}/${jobId}/${DOOR_FILE}`);
}

/** Every running job, by id (the oldest first). */
export async function runningJobs(
  environment: DoorEnvironment,
  checkpointDirectory?: string,
): Promise<readonly RunningJob[]> {
  const paths = new Set([
    ...runtimeSockets(environment),
    ...recordedSockets(environment.fileSystem, checkpointDirectory),
  ]);
  const answers = await Promise.all([...paths].map((path) => jobsOf(environment, path)));
  const byId = new Map(answers.flat().map((job) => [job.id, job]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The running job that the text means.
 *
 * @throws JOB_NOT_FOUND if there is none, ILLEGAL_ARGUMENT if there are several
 */
export async function findRunningJob(
  environment: DoorEnvironment,
  text: string,
  checkpointDirectory?: string,
): Promise<RunningJob> {
  const jobs = await runningJobs(environment, checkpointDirectory);
  const matching = matchingJobs(jobs, text);
  const [job] = matching;
  if (job === undefined) {
    const known = jobs.map(({ id, name }) => `'${name}' (${id})`).join(', ') || 'none';
    throw new MillraceError(
      'JOB_NOT_FOUND',
      `no job '${text}' is running here; running are: ${known}`,
      { details: { job: text } },
    );
  }
  if (matching.length === 1) return job;
  const ids = matching.map(({ id }) => id).join(', ');
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `'${text}' means several jobs: give the id, one of ${ids}`,
  );
}

function matchingJobs(jobs: readonly RunningJob[], text: string): readonly RunningJob[] {
  const exact = jobs.filter(({ id }) => id === text);
  if (exact.length > 0) return exact;
  const named = jobs.filter(({ name }) => name === text);
  return named.length > 0 || text === '' ? named : jobs.filter(({ id }) => id.startsWith(text));
}

function runtimeSockets({ network, fileSystem }: DoorEnvironment): readonly string[] {
  const folder = network.localSocketFolder();
  if (fileSystem.stat(folder) === undefined) return [];
  const names = fileSystem.list(folder).filter((name) => name.endsWith('.sock'));
  return names.map((name) => `${folder}/${name}`);
}

function recordedSockets(
  fileSystem: Environment['fileSystem'],
  checkpointDirectory: string | undefined,
): readonly string[] {
  if (checkpointDirectory === undefined) return [];
  const root = localPath(checkpointDirectory);
  if (fileSystem.stat(root)?.kind !== 'directory') {
    throw new MillraceError('FILE_NOT_FOUND', `there is no checkpoint directory '${root}'`);
  }
  const files = fileSystem.list(root).map((jobId) => `${root}/${jobId}/${DOOR_FILE}`);
  return files.flatMap((path) => {
    const stat = fileSystem.stat(path);
    if (stat?.kind !== 'file' || stat.size > PATH_BYTES_MAX) return [];
    const bytes = new Uint8Array(stat.size);
    using file = fileSystem.open(path, 'read');
    const text = new TextDecoder().decode(bytes.subarray(0, file.read(bytes, 0, bytes.length, 0)));
    return text.trim() === '' ? [] : [text.trim()];
  });
}

async function jobsOf(
  environment: DoorEnvironment,
  socketPath: string,
): Promise<readonly RunningJob[]> {
  try {
    const { jobs } = await askDoor<JobsBody>(environment, socketPath, {
      route: 'jobs',
      timeoutMs: LIST_TIMEOUT_MS,
    });
    return jobs.map((job) => ({ ...job, socketPath }));
  } catch (error) {
    // Nobody lives behind it, or nobody who speaks our language.
    if (hasErrorCode(error, 'NETWORK_FAILED') || hasErrorCode(error, 'FORMAT_INVALID')) return [];
    throw error;
  }
}

/** Without `file://`. */
function localPath(directory: string): string {
  return directory.startsWith('file:')
    ? decodeURIComponent(new URL(directory).pathname)
    : directory;
}
