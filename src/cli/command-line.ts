/**
 * Reads the command line: which command, with what. Each command's grammar has a file of its own.
 */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { addJobCommands } from './job-grammar.ts';
import type { NothingToRun, Request } from './requests.ts';
import { addRun } from './run-grammar.ts';
import { addSavepointCheck, addStateCommands } from './savepoint/grammar.ts';

/** Reads the arguments after `node main.js`. */
export function readCommandLine(argv: readonly string[]): Request {
  let text = '';
  let request: Request | undefined;
  const program = newProgram({
    write: (part) => {
      text += part;
    },
    onRequest: (read) => {
      request = read;
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
  readonly onRequest: (request: Exclude<Request, NothingToRun>) => void;
}

function newProgram({ write, onRequest }: Hooks): Command {
  const { version } = createRequire(import.meta.url)('millrace/package.json') as {
    version: string;
  };
  const program = new Command('millrace')
    .description('A stateful stream processor: Apache Flink’s ideas in one Node process.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    // A command's options are its own, also where a command above it has some of the same names.
    .enablePositionalOptions()
    // Long terms leave little room; descriptions shall wrap there, too.
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({ writeOut: write, writeErr: write })
    .showHelpAfterError('(millrace --help shows what there is)');
  addRun(program, onRequest);
  addSavepointCheck(addJobCommands(program, onRequest), onRequest);
  addStateCommands(program, onRequest);
  return program;
}
