/** The grammar of the commands that look into savepoints, and their helps. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { definition, parallelism } from '../run-grammar.ts';
import type {
  SavepointCheckRequest,
  StateFormat,
  StateListRequest,
  StateQueryRequest,
} from '../requests.ts';

const CHECK_HELP = `
Builds the job and opens its operators over the savepoint's state without running them: per state
compatible, migrated (with what happens to each field) or refused (with the reason). "open" of user
functions is called; sources and sinks are left alone.

Exit codes: 0 the job would start, 1 it would not, 2 wrong command line or program.

With --json: { status: "compatible" | "refused", path, jobName, operators: [{ operator, name,
               verdict, details, states: [{ state, verdict, details }] }] }

Examples:
  millrace savepoint check job.ts ./savepoints/savepoint-1
  millrace savepoint check job.ts ./ckpt/0199…/chk-12 --parallelism 8 -- input.csv`;

const LIST_HELP = `
Exit codes: 0 done, 1 it failed, 2 wrong command line.

With --json: { status: "ok", path, jobId, jobName, kind, checkpointId,
               states: [{ operator, name, parallelism, state, kind }] }

Examples:
  millrace state list ./savepoints/savepoint-1
  millrace state list ./ckpt/0199…/chk-12`;

const QUERY_HELP = `
Reads the state of the operator with that uid (or id, or name; "millrace state list" shows them)
from a savepoint or checkpoint. The job need not run, and nothing is changed.

--key is JSON, or plain text: --key 42, --key LAX, --key '{"carrier":"AA","day":3}'. Only the part
that holds it is read.

Values that JSON has no word for are text: bigints are digits, bytes Base64. With --json rows are
JSON lines, and an error is one object.

Exit codes: 0 done (also without rows), 1 it failed, 2 wrong command line.

Examples:
  millrace state query ./savepoints/savepoint-1 --operator totals --state sum
  millrace state query ./savepoints/savepoint-1 --operator totals --state sum --key LAX
  millrace state query ./ckpt/0199…/chk-12 --operator totals --state sum --format csv > totals.csv`;

interface ListOptions {
  readonly json?: boolean;
}

interface QueryOptions extends ListOptions {
  readonly operator: string;
  readonly state: string;
  readonly key?: string;
  readonly format: StateFormat;
  readonly limit?: number;
}

interface CheckOptions extends ListOptions {
  readonly parallelism?: number;
  readonly D?: Readonly<Record<string, string>>;
  readonly allowNonRestoredState?: true;
}

/** Adds `savepoint check` below `savepoint`. */
export function addSavepointCheck(
  savepointCommand: Command,
  onRequest: (request: SavepointCheckRequest) => void,
): void {
  savepointCommand
    .enablePositionalOptions()
    .command('check')
    .description('whether a job would start from a savepoint, state by state')
    .argument('<job>', 'the job module, a .ts or .js file')
    .argument('<savepoint>', 'the folder of a savepoint or checkpoint')
    .argument('[args...]', 'arguments of the job, after --')
    .option('-p, --parallelism <n>', 'subtasks per operator (1)', parallelism)
    .option('--allow-non-restored-state', 'leave state behind that belongs to no operator')
    .option('-D <key=value>', 'set a configuration option; may be repeated', definition)
    .option('--json', 'print the outcome, or the error, as one JSON object')
    .addHelpText('after', CHECK_HELP)
    .showHelpAfterError('(millrace savepoint check --help shows what there is)')
    .action((job: string, savepoint: string, args: readonly string[], options: CheckOptions) => {
      const { json = false, D, parallelism: subtasks, allowNonRestoredState } = options;
      const configuration = {
        ...D,
        ...(subtasks === undefined ? {} : { 'parallelism.default': String(subtasks) }),
        ...(allowNonRestoredState === undefined
          ? {}
          : { 'execution.state-recovery.ignore-unclaimed-state': 'true' }),
      };
      onRequest({ kind: 'savepoint-check', job, savepoint, configuration, json, args });
    });
}

/** Adds `state list` and `state query`. */
export function addStateCommands(
  program: Command,
  onRequest: (request: StateListRequest | StateQueryRequest) => void,
): void {
  const state = program.command('state').description('look into checkpoints and savepoints');
  state
    .command('list')
    .description('show which states a checkpoint or savepoint holds')
    .argument('<savepoint>', 'the folder of a savepoint or checkpoint')
    .option('--json', 'print the list, or the error, as one JSON object')
    .addHelpText('after', LIST_HELP)
    .action((savepoint: string, { json = false }: ListOptions) => {
      onRequest({ kind: 'state-list', savepoint, json });
    });
  state
    .command('query')
    .description('show the rows of a state')
    .argument('<savepoint>', 'the folder of a savepoint or checkpoint')
    .requiredOption('--operator <uid>', 'the operator’s uid, id or name')
    .requiredOption('--state <name>', 'the state’s name')
    .option('--key <key>', 'only this key, as JSON or plain text')
    .addOption(
      new Option('--format <format>', 'how rows are written')
        .choices(['table', 'jsonl', 'csv'])
        .default('table'),
    )
    .option('--limit <n>', 'rows at most (tables 1000, else all)', count)
    .option('--json', 'rows as JSON lines, and the error as a JSON object')
    .addHelpText('after', QUERY_HELP)
    .showHelpAfterError('(millrace state query --help shows what there is)')
    .action((savepoint: string, options: QueryOptions) => {
      const { operator, state: name, key, format, limit, json = false } = options;
      onRequest({
        kind: 'state-query',
        savepoint,
        operator,
        state: name,
        key,
        format,
        limit,
        json,
      });
    });
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Give a whole number from 1.');
}
