/** The command line's grammar, its help, and what was asked for. */
import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ExecutorName } from '../graph/configuration.ts';

/** `millrace run …`, read. */
export interface RunRequest {
  readonly kind: 'run';
  /** As typed. */
  readonly job: string;
  readonly executor: ExecutorName | undefined;
  /** Options by key: those of `-D`, and of the named options, which win. */
  readonly configuration: Readonly<Record<string, string>>;
  readonly json: boolean;
  readonly args: readonly string[];
}

/** Nothing to run: help or version were shown, or the command line is wrong. */
interface NothingToRun {
  readonly kind: 'nothing';
  /** What was wrong; undefined if help or version were asked for. */
  readonly problem: string | undefined;
  /** What to show. */
  readonly text: string;
}

/** What a command line asks for. */
export type Request = RunRequest | NothingToRun;

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
              sinks: [{ name, numRecords, numFiles?, numBytes? }], vertices: [{ name, operators … }] }
  not       { status: "failed" | "invalid" | "canceled",
              error: { name, code?, message, details?, stack?, cause? } }

Exit codes: 0 finished, 1 the job failed, 2 wrong command line or program, 130 canceled (Ctrl-C).

Examples:
  millrace run job.ts --parallelism 4
  millrace run job.js --executor inline -D execution.buffer-timeout.interval=0 -- input.csv`;

interface RunOptions {
  readonly parallelism?: number;
  readonly executor?: ExecutorName;
  readonly D?: Readonly<Record<string, string>>;
  readonly dumpChains?: string;
  readonly json?: true;
}

/** Reads the arguments after `node main.js`. */
export function readCommandLine(argv: readonly string[]): Request {
  let text = '';
  let request: Request | undefined;
  const program = newProgram({
    write: (part) => {
      text += part;
    },
    onRun: (run) => {
      request = run;
    },
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'nothing', problem: undefined, text };
    const problem =
      error.code === 'commander.help'
        ? 'no command was given'
        : error.message.replace(/^error: /, '');
    return { kind: 'nothing', problem, text };
  }
  return (
    request ?? { kind: 'nothing', problem: 'no command was given', text: program.helpInformation() }
  );
}

interface Hooks {
  readonly write: (text: string) => void;
  readonly onRun: (request: RunRequest) => void;
}

function newProgram({ write, onRun }: Hooks): Command {
  const { version } = createRequire(import.meta.url)('millrace/package.json') as {
    version: string;
  };
  const program = new Command('millrace')
    .description('A stateful stream processor: Apache Flink’s ideas in one Node process.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
    .showHelpAfterError('(millrace --help shows what there is)');
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
    .option('-D <key=value>', 'set a configuration option; may be repeated', definition)
    .option('--dump-chains <dir>', 'write the generated loops’ sources there')
    .option('--json', 'print the result, or the error, as one JSON object')
    .addHelpText('after', RUN_HELP)
    .showHelpAfterError('(millrace run --help shows what there is)')
    .action((job: string, args: readonly string[], options: RunOptions) => {
      onRun(runRequest(job, args, options));
    });
  return program;
}

function runRequest(job: string, args: readonly string[], options: RunOptions): RunRequest {
  const { executor, dumpChains, json = false } = options;
  return {
    kind: 'run',
    job,
    executor,
    configuration: {
      ...options.D,
      ...(options.parallelism === undefined
        ? {}
        : { 'parallelism.default': String(options.parallelism) }),
      ...(executor === undefined ? {} : { 'execution.executor': executor }),
      ...(dumpChains === undefined ? {} : { 'execution.dump-chains': dumpChains }),
    },
    json,
    args,
  };
}

function parallelism(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= PARALLELISM_MAX) return value;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${PARALLELISM_MAX}.`);
}

function definition(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at <= 0) {
    throw new InvalidArgumentError('Give key=value, such as execution.buffer-timeout.interval=0.');
  }
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
