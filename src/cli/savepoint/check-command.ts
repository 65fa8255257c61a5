/** `millrace savepoint check`: a dry run of a restore. */
import type { Environment } from '../../base/environment.ts';
import { hasErrorCode } from '../../base/errors.ts';
import { configurationWith, defaultConfiguration } from '../../graph/configuration.ts';
import {
  checkSavepoint,
  type OperatorCheck,
  type SavepointCheck,
  type StateCheck,
} from '../../job/savepoint-check.ts';
import { errorText } from '../error-text.ts';
import { type ExitCode, exitCodeOf, FINISHED, JOB_FAILED } from '../exit-code.ts';
import { jobModuleUrl } from '../job-module-url.ts';
import { jsonFailure, jsonLine } from '../json-output.ts';
import type { SavepointCheckRequest } from '../requests.ts';
import type { Terminal } from '../terminal.ts';
import type { TextStyle } from '../text-style.ts';

/** Runs it; never rejects. */
export async function checkCommand(
  request: SavepointCheckRequest,
  { stdout, stderr }: Terminal,
  environment: Environment,
): Promise<ExitCode> {
  try {
    const url = jobModuleUrl(request.job, environment.fileSystem);
    const check = await checkSavepoint({
      module: { url: url.href, args: request.args },
      jobName: request.job,
      configuration: configurationWith(defaultConfiguration, request.configuration),
      savepoint: request.savepoint,
      environment,
    });
    stdout.write(request.json ? checkJson(check) : checkText(check, stdout.style));
    return check.isCompatible ? FINISHED : JOB_FAILED;
  } catch (error) {
    const isMissing =
      hasErrorCode(error, 'CHECKPOINT_NOT_FOUND') || hasErrorCode(error, 'CHECKPOINT_DAMAGED');
    if (request.json) stdout.write(jsonFailure(isMissing ? 'failed' : 'invalid', error));
    else stderr.write(errorText(error, stderr.style));
    return exitCodeOf(error, isMissing);
  }
}

function checkJson({ path, jobName, operators, isCompatible }: SavepointCheck): string {
  const status = isCompatible ? 'compatible' : 'refused';
  return jsonLine({ status, path, jobName, operators });
}

/** Operator by operator, a line per state, reasons below. */
function checkText({ path, operators, isCompatible }: SavepointCheck, style: TextStyle): string {
  const told = operators.filter(({ outcome, states }) => outcome !== 'new' || states.length > 0);
  const width = Math.max(
    0,
    ...told.flatMap(({ states }) => states.map(({ state }) => state.length)),
  );
  const verdict = isCompatible
    ? style.green('the job would start from it')
    : style.red('the job would not start from it');
  const lines = [
    path,
    ...told.flatMap((operator) => operatorLines(operator, width, style)),
    verdict,
  ];
  return `${lines.join('\n')}\n`;
}

function operatorLines(
  { operator, name, outcome, reason, states }: OperatorCheck,
  width: number,
  style: TextStyle,
): readonly string[] {
  const label = operator === name ? `'${name}'` : `'${operator}' (${name})`;
  const note = outcome === 'matched' ? '' : `  ${outcomeText(outcome, style)}`;
  return [
    `${style.bold(label)}${note}`,
    ...(reason === undefined ? [] : [`    ${reason}`]),
    ...states.flatMap((state) => stateLines(state, width, style)),
  ];
}

function stateLines(
  { state, kind, outcome, changes, reason }: StateCheck,
  width: number,
  style: TextStyle,
): readonly string[] {
  return [
    `  ${state.padEnd(width)}  ${outcomeText(outcome, style)}  ${style.dim(kind)}`,
    ...changes.map((change) => `    ${change}`),
    ...(reason === undefined ? [] : [`    ${reason}`]),
  ];
}

const WORDS: Readonly<Record<StateCheck['outcome'] | OperatorCheck['outcome'], string>> = {
  compatible: 'compatible',
  migrated: 'migrated',
  refused: 'refused',
  new: 'new, starts empty',
  undeclared: 'not declared when the operator opens: kept as it is',
  matched: 'matched',
  unmatched: 'left behind',
};

function outcomeText(
  outcome: StateCheck['outcome'] | OperatorCheck['outcome'],
  style: TextStyle,
): string {
  const word = WORDS[outcome];
  if (outcome === 'refused') return style.red(word);
  return outcome === 'compatible' ? style.green(word) : word;
}
