#!/usr/bin/env node
/** The `millrace` command: puts the command line together with the process. */
import '../index.ts';
import { realEnvironment } from '../base/real-environment.ts';
import { MillraceError } from '../base/errors.ts';
import { readCommandLine } from './command-line.ts';
import { FINISHED, WRONG_USAGE } from './exit-code.ts';
import { jsonFailure } from './json-output.ts';
import { runCommand } from './run-command.ts';
import { processTerminal, type Terminal } from './terminal.ts';

async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readCommandLine(argv);
  if (request.kind === 'run') return runCommand(request, terminal, realEnvironment());
  const { problem, text } = request;
  if (problem === undefined) {
    terminal.stdout.write(text);
    return FINISHED;
  }
  if (argv.includes('--json')) {
    terminal.stdout.write(jsonFailure('invalid', new MillraceError('ILLEGAL_ARGUMENT', problem)));
  } else {
    terminal.stderr.write(text);
  }
  return WRONG_USAGE;
}

const terminal = processTerminal();
const code = await main(process.argv.slice(2), terminal);
await terminal.stdout.flush();
await terminal.stderr.flush();
// What the user's module may have left open (a connection, a timer) does not keep a finished job.
terminal.exit(code);
