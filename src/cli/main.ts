#!/usr/bin/env node
/** The `millrace` command: puts the command line together with the process. */
import { MillraceError } from '../base/errors.ts';
import { readCommandLine } from './command-line.ts';
import { FINISHED, WRONG_USAGE } from './exit-code.ts';
import { jsonFailure } from './json-output.ts';
import type { JobRequest, NothingToRun, RunRequest, StateRequest } from './requests.ts';
import { processTerminal, type Terminal } from './terminal.ts';

async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readCommandLine(argv);
  switch (request.kind) {
    case 'run':
      return run(request, terminal);
    case 'list':
    case 'cancel':
    case 'savepoint':
    case 'stop':
      return control(request, terminal);
    case 'savepoint-check':
    case 'state-list':
    case 'state-query':
      return state(request, terminal);
    case 'nothing':
      return showHelp(request, argv, terminal);
    default:
      return request satisfies never;
  }
}

function showHelp(
  { problem, text }: NothingToRun,
  argv: readonly string[],
  terminal: Terminal,
): number {
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

/** The engine is loaded only where something runs: help shall not wait for it. */
async function run(request: RunRequest, terminal: Terminal): Promise<number> {
  const [{ runCommand }, { realEnvironment }] = await Promise.all([
    import('./run-command.ts'),
    import('../base/real-environment.ts'),
    import('../index.ts'),
  ]);
  return runCommand(request, terminal, realEnvironment());
}

async function control(request: JobRequest, terminal: Terminal): Promise<number> {
  const [{ jobCommand }, { realEnvironment }] = await Promise.all([
    import('./job-commands.ts'),
    import('../base/real-environment.ts'),
  ]);
  return jobCommand(request, terminal, realEnvironment());
}

async function state(request: StateRequest, terminal: Terminal): Promise<number> {
  const [{ realEnvironment }] = await Promise.all([
    import('../base/real-environment.ts'),
    import('../index.ts'),
  ]);
  if (request.kind === 'savepoint-check') {
    const { checkCommand } = await import('./savepoint/check-command.ts');
    return checkCommand(request, terminal, realEnvironment());
  }
  const { stateCommand } = await import('./savepoint/state-command.ts');
  return stateCommand(request, terminal, realEnvironment());
}

const terminal = processTerminal();
const code = await main(process.argv.slice(2), terminal);
await terminal.stdout.flush();
await terminal.stderr.flush();
// What the user's module may have left open (a connection, a timer) does not keep a finished job.
terminal.exit(code);
