/** The grammar of the commands for running jobs, and their helps. */
import { type Command, Option } from 'commander';
import type { JobRequest, SavepointFormat } from './requests.ts';

interface DoorOptions {
  readonly checkpointDir?: string;
  readonly json?: boolean;
}

interface SavepointOptions extends DoorOptions {
  readonly format?: SavepointFormat;
  readonly drain?: boolean;
}

const FIND_HELP = `
A job is named by its id, the beginning of its id, or its name; "millrace list" shows them. Jobs of
this user are found wherever they were started; one that runs in a container is found by its
--checkpoint-dir.`;

const EXIT_HELP = `
Exit codes: 0 done, 1 it failed, 2 wrong command line.
`;

const LIST_HELP = `
With --json: { status: "ok", jobs: [{ id, name, status }] }

Examples:
  millrace list
  millrace list --json`;

const CANCEL_HELP = `
The job takes no last checkpoint and commits nothing more. Its checkpoints stay unless
execution.checkpointing.externalized-checkpoint-retention says otherwise: it can go on with
"millrace run … --resume". To end it with a savepoint, use "millrace stop".
${FIND_HELP}
${EXIT_HELP}
With --json: { status: "canceled", jobId, jobName }

Examples:
  millrace cancel orders
  millrace cancel 0199`;

const SAVEPOINT_HELP = `
The job goes on. The savepoint is a folder that needs nothing else: it may be moved, and it is yours
to remove. Without a folder it goes to execution.checkpointing.savepoint-dir.

A canonical savepoint (the default) fits every state backend and can be looked into; a native one is
faster to write and fits the backend that wrote it.
${FIND_HELP}
${EXIT_HELP}
With --json: { status: "completed", jobId, jobName, location, checkpointId, durationMs }

Examples:
  millrace savepoint orders ./savepoints
  millrace savepoint 0199 --format native`;

const STOP_HELP = `
Sources stop, a savepoint is taken, sinks commit what belongs to it, the job is finished. If the
savepoint fails, the job runs on. With --drain event time goes to its end first, so that all windows
and timers fire: do that if the job is over for good.
${FIND_HELP}
${EXIT_HELP}
With --json: { status: "stopped", jobId, jobName, location, checkpointId, durationMs }

Examples:
  millrace stop orders ./savepoints
  millrace stop orders --drain ./savepoints`;

const JOB_ARGUMENT = 'id, beginning of an id, or name of a running job';
const DIRECTORY_ARGUMENT = 'the folder in which the savepoint’s folder is made';

/**
 * Adds `list`, `cancel`, `savepoint` and `stop`; returns the command of `savepoint`, which has
 * commands of its own.
 */
export function addJobCommands(
  program: Command,
  onRequest: (request: JobRequest) => void,
): Command {
  const add = (usage: string, description: string, help: string): Command => {
    const [name = ''] = usage.split(' ');
    return program
      .command(name)
      .description(description)
      .option('--checkpoint-dir <dir>', 'also look for jobs that keep their checkpoints there')
      .option('--json', 'print the outcome, or the error, as one JSON object')
      .addHelpText('after', help)
      .showHelpAfterError(`(millrace ${name} --help shows what there is)`);
  };
  add('list', 'show the running jobs', LIST_HELP).action((options: DoorOptions) => {
    onRequest({ kind: 'list', ...doorFields(options) });
  });
  add('cancel', 'cancel a running job', CANCEL_HELP)
    .argument('<job>', JOB_ARGUMENT)
    .action((job: string, options: DoorOptions) => {
      onRequest({ kind: 'cancel', job, ...doorFields(options) });
    });
  add('stop', 'stop a running job with a savepoint', STOP_HELP)
    .argument('<job>', JOB_ARGUMENT)
    .argument('[dir]', DIRECTORY_ARGUMENT)
    .addOption(formatOption())
    .option('--drain', 'bring event time to its end first')
    .action((job: string, directory: string | undefined, options: SavepointOptions) => {
      const { format, drain = false } = options;
      onRequest({ kind: 'stop', job, directory, format, drain, ...doorFields(options) });
    });
  return add('savepoint', 'take a savepoint of a running job', SAVEPOINT_HELP)
    .argument('<job>', JOB_ARGUMENT)
    .argument('[dir]', DIRECTORY_ARGUMENT)
    .addOption(formatOption())
    .action((job: string, directory: string | undefined, options: SavepointOptions) => {
      const { format } = options;
      onRequest({ kind: 'savepoint', job, directory, format, ...doorFields(options) });
    });
}

function formatOption(): Option {
  return new Option('--format <format>', 'how it is written (canonical)').choices([
    'canonical',
    'native',
  ]);
}

function doorFields({ checkpointDir, json = false }: DoorOptions): {
  readonly checkpointDirectory: string | undefined;
  readonly json: boolean;
} {
  return { checkpointDirectory: checkpointDir, json };
}
