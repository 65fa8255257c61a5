/** The grammar of `millrace run`, and its help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ExecutorName } from '../graph/configuration.ts';
import type { RunRequest } from './requests.ts';

const PARALLELISM_MAX = 32_768;

const RUN_HELP = `
The job is a module whose default export builds the program:
  export default (env, args) => { env.fromSequence(1, 10).print(); };
A .ts file runs as it is: Node strips its types.

In job arguments {run} stands for the time of the start, such as 2026-01-31T09-30-00Z, so that
each run can write to a folder of its own: -- --out out/{run}

With --json the last line of the standard output is one object:
  finished  { status: "finished", jobId, jobName, netRuntimeMs, recordsPerSecond, numRecordsIn,
              numLateRecordsDropped, numLateRecordsSideOutput, numDeadLetters, numShapeMisfits,
              checkpoints: { numCompleted, numFailed, meanDurationMs, maxDurationMs,
              totalBytes }, numRestarts,
              sinks: [{ name, numRecords, numFiles?, numBytes? }],
              vertices: [{ name, operators … }] }
  not       { status: "failed" | "invalid" | "canceled",
              error: { name, code?, message, details?, stack?, cause? } }

Exit codes: 0 finished or stopped, 1 the job failed, 2 wrong command line or program,
130 canceled (Ctrl-C).

Examples:
  millrace run job.ts --parallelism 4
  millrace run job.js --executor inline -D execution.buffer-timeout.interval=0 -- input.csv
  millrace run job.ts --checkpoint-dir ./ckpt --checkpoint-interval 1s --state rocksdb --memory 4GB
  millrace run job.ts --checkpoint-dir ./ckpt --resume
  millrace run job.ts --from ./savepoints/savepoint-1 --parallelism 8`;

interface RunOptions {
  readonly parallelism?: number;
  readonly executor?: ExecutorName;
  readonly D?: Readonly<Record<string, string>>;
  readonly dumpChains?: string;
  readonly checkpointDir?: string;
  readonly checkpointInterval?: string;
  readonly state?: string;
  readonly memory?: string;
  readonly from?: string;
  readonly allowNonRestoredState?: true;
  readonly claim?: true;
  readonly resume?: true;
  readonly json?: true;
}

/** Adds the command. */
export function addRun(program: Command, onRun: (request: RunRequest) => void): void {
  program
    .command('run')
    .description('run a job module to its end')
    .argument('<job>', 'the job module, a .ts or .js file')
    .argument('[args...]', 'arguments of the job, after --')
    .option('-p, --parallelism <n>', 'subtasks per operator, and worker threads (1)', parallelism)
    .addOption(
      new Option(
        '-e, --executor <name>',
        'who runs it: worker threads, or this thread (workers)',
      ).choices(['workers', 'inline']),
    )
    .option('--checkpoint-dir <dir>', 'where checkpoints are kept')
    .option('--checkpoint-interval <duration>', 'take one that often: 500ms, 10s, 1min')
    .addOption(
      new Option('--state <backend>', 'where keyed state lies (heap)').choices(['heap', 'rocksdb']),
    )
    .option('--memory <size>', 'memory for state, such as 4GB (default 4GB)')
    .addOption(
      new Option('--resume', 'go on with the newest job of the checkpoint directory').conflicts([
        'from',
        'claim',
      ]),
    )
    .option('--from <path>', 'start from this savepoint or checkpoint')
    .option('--allow-non-restored-state', 'leave state behind that belongs to no operator')
    .option('--claim', 'own what the job starts from, and remove it when it is needed no more')
    .option('-D <key=value>', 'set a configuration option; may be repeated', definition)
    .option('--dump-chains <dir>', 'write the generated loops’ sources there')
    .option('--json', 'print the result, or the error, as one JSON object')
    .addHelpText('after', RUN_HELP)
    .showHelpAfterError('(millrace run --help shows what there is)')
    .action((job: string, args: readonly string[], options: RunOptions) => {
      onRun(runRequest(job, args, options));
    });
}

function runRequest(job: string, args: readonly string[], options: RunOptions): RunRequest {
  const { executor, resume = false, json = false } = options;
  const configuration = { ...options.D, ...namedOptions(options) };
  return { kind: 'run', job, executor, configuration, resume, json, args };
}

/** The named options by their configuration keys. */
function namedOptions(options: RunOptions): Readonly<Record<string, string>> {
  const named: readonly (readonly [key: string, text: string | undefined])[] = [
    ['parallelism.default', options.parallelism?.toString()],
    ['execution.executor', options.executor],
    ['execution.dump-chains', options.dumpChains],
    ['execution.checkpointing.dir', options.checkpointDir],
    ['execution.checkpointing.interval', options.checkpointInterval],
    ['state.backend.type', options.state],
    ['taskmanager.memory.managed.size', options.memory],
    ['execution.state-recovery.path', options.from],
    ['execution.state-recovery.ignore-unclaimed-state', options.allowNonRestoredState?.toString()],
    ['execution.state-recovery.claim-mode', options.claim && 'claim'],
  ];
  return Object.fromEntries(
    named.flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])),
  );
}

/** Reads `--parallelism`. */
export function parallelism(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= PARALLELISM_MAX) return value;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${PARALLELISM_MAX}.`);
}

/** Reads one `-D`, after others. */
export function definition(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at <= 0) {
    throw new InvalidArgumentError('Give key=value, such as execution.buffer-timeout.interval=0.');
  }
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
