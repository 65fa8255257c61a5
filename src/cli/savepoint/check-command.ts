/** `millrace savepoint check`: a dry run of a restore. */
import type { Environment } from '../../base/environment.ts';
import { hasErrorCode } from '../../base/errors.ts';
import { configurationWith, defaultConfiguration } from '../../graph/configuration.ts';
import {
  checkModule,
  type CheckedState,
  type ModuleCheck,
  type OperatorCheck,
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
    const check = await checkModule({
      module: { url: url.href, args: request.args },
      jobName: request.job,
      configuration: configurationWith(defaultConfiguration, request.configuration),
      savepoint: request.savepoint,
      environment,
    });
    stdout.write(request.json ? checkJson(check) : checkText(check, stdout.style));
    return check.isRestorable ? FINISHED : JOB_FAILED;
  } catch (error) {
    const isMissing =
      hasErrorCode(error, 'CHECKPOINT_NOT_FOUND') || hasErrorCode(error, 'CHECKPOINT_DAMAGED');
    if (request.json) stdout.write(jsonFailure(isMissing ? 'failed' : 'invalid', error));
    else stderr.write(errorText(error, stderr.style));
    return exitCodeOf(error, isMissing);
  }
}

function checkJson({ path, jobName, operators, isRestorable }: ModuleCheck): string {
  const status = isRestorable ? 'compatible' : 'refused';
  return jsonLine({ status, path, jobName, operators });
}

/** Operator by operator, a line per state, reasons below. */
function checkText({ path, operators, isRestorable }: ModuleCheck, style: TextStyle): string {
  const told = operators.filter(({ verdict, states }) => verdict !== 'new' || states.length > 0);
  const width = Math.max(
    0,
    ...told.flatMap(({ states }) => states.map(({ state }) => state.length)),
  );
  const verdict = isRestorable
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
  { operator, name, verdict, details, states }: OperatorCheck,
  width: number,
  style: TextStyle,
): readonly string[] {
  const label = operator === name ? `'${name}'` : `'${operator}' (${name})`;
  const note = verdict === 'matched' ? '' : `  ${verdictText(verdict, style)}`;
  return [
    `${style.bold(label)}${note}`,
    ...details.map((detail) => `    ${detail}`),
    ...states.flatMap((state) => stateLines(state, width, style)),
  ];
}

function stateLines(
  { state, verdict, details }: CheckedState,
  width: number,
  style: TextStyle,
): readonly string[] {
  // Whoever did not ask for it at its opening may still do so; until then backends keep it.
  const text =
    verdict === 'left-behind'
      ? 'not declared when the operator opens: kept as it is'
      : verdictText(verdict, style);
  return [`  ${state.padEnd(width)}  ${text}`, ...details.map((detail) => `    ${detail}`)];
}

const WORDS: Readonly<Record<CheckedState['verdict'] | OperatorCheck['verdict'], string>> = {
  compatible: 'compatible',
  migrated: 'migrated',
  refused: 'refused',
  new: 'new, starts empty',
  undeclared: 'known at run time only',
  matched: 'matched',
  'left-behind': 'left behind',
};

function verdictText(
  verdict: CheckedState['verdict'] | OperatorCheck['verdict'],
  style: TextStyle,
): string {
  const word = WORDS[verdict];
  if (verdict === 'refused') return style.red(word);
  return verdict === 'compatible' ? style.green(word) : word;
}
