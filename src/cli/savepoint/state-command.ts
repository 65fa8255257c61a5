/**
 * `millrace state list` and `state query`: what lies in a checkpoint or savepoint.
 *
 * Invariant: rows go out as they are read; only the table, which needs widths, holds up to {@link
 * TABLE_ROWS_MAX}.
 */
import type { Environment } from '../../base/environment.ts';
import { hasErrorCode } from '../../base/errors.ts';
import { errorText } from '../error-text.ts';
import { type ExitCode, exitCodeOf, FINISHED } from '../exit-code.ts';
import { jsonFailure, jsonLine } from '../json-output.ts';
import { countText } from '../number-text.ts';
import type { StateListRequest, StateQueryRequest } from '../requests.ts';
import { tableText } from '../table-text.ts';
import type { Terminal } from '../terminal.ts';
import { jsonValue, stateText } from './state-json.ts';
import {
  openStateSource,
  operatorNamed,
  type StateRow,
  stateRows,
  statesOf,
} from './state-reader.ts';

/** Rows of a table unless `--limit` says otherwise. */
const TABLE_ROWS_MAX = 1000;
/** A cell of the table is cut here. */
const CELL_CHARACTERS_MAX = 200;

/** Runs one; never rejects. */
export async function stateCommand(
  request: StateListRequest | StateQueryRequest,
  terminal: Terminal,
  environment: Environment,
): Promise<ExitCode> {
  const { stdout, stderr } = terminal;
  try {
    if (request.kind === 'state-list') list(request, terminal, environment);
    else await query(request, terminal, environment);
    return FINISHED;
  } catch (error) {
    const isUsage = hasErrorCode(error, 'ILLEGAL_ARGUMENT');
    if (request.json) stdout.write(jsonFailure(isUsage ? 'invalid' : 'failed', error));
    else stderr.write(errorText(error, stderr.style));
    return exitCodeOf(error, !isUsage);
  }
}

function list(request: StateListRequest, { stdout }: Terminal, environment: Environment): void {
  const { path, manifest } = openStateSource(request.savepoint, environment);
  const { jobId, jobName, kind, checkpointId } = manifest;
  const states = manifest.operators.flatMap((operator) =>
    statesOf(manifest, operator).map(({ name, kind: stateKind }) => ({
      operator: operator.uid ?? operator.operatorId,
      name: operator.name,
      parallelism: operator.parallelism,
      state: name,
      kind: stateKind,
    })),
  );
  if (request.json) {
    stdout.write(jsonLine({ status: 'ok', path, jobId, jobName, kind, checkpointId, states }));
    return;
  }
  stdout.write(`${kind} ${checkpointId} of '${jobName}' (${jobId})\n`);
  if (states.length === 0) return stdout.write('it holds no named state\n');
  const rows = states.map((each) => [each.operator, each.name, each.state, each.kind]);
  stdout.write(tableText(['operator', 'name', 'state', 'kind'], rows, stdout.style));
}

async function query(
  request: StateQueryRequest,
  { stdout, stderr }: Terminal,
  environment: Environment,
): Promise<void> {
  const source = openStateSource(request.savepoint, environment);
  const operator = operatorNamed(source.manifest, request.operator);
  const keys = request.key === undefined ? undefined : keysOf(request.key);
  const rows = stateRows(source, { operator, state: request.state, keys }, environment);
  const format = request.json ? 'jsonl' : request.format;
  const limit = request.limit ?? (format === 'table' ? TABLE_ROWS_MAX : Number.POSITIVE_INFINITY);
  const { taken, hasMore } = limited(rows, limit);
  switch (format) {
    case 'table':
      stdout.write(rowsTable([...taken], stdout.style));
      if (hasMore()) stderr.write(`the first ${countText(limit)} rows; --limit shows more\n`);
      return;
    case 'jsonl':
      for (const row of taken) stdout.write(`${jsonOf(row)}\n`);
      return;
    case 'csv':
      stdout.write('key,namespace,value\n');
      for (const row of taken) stdout.write(`${cellsOf(row).map(csvCell).join(',')}\n`);
      return;
    default:
      return format satisfies never;
  }
}

/** `5` is a number, but may have been meant as text. */
function keysOf(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed !== null && parsed !== text) return [parsed, text];
  } catch {
    // Plain text.
  }
  return [text];
}

function limited(
  rows: Generator<StateRow>,
  limit: number,
): { readonly taken: Iterable<StateRow>; readonly hasMore: () => boolean } {
  let hasMore = false;
  function* taken(): Generator<StateRow> {
    let count = 0;
    for (const row of rows) {
      if (count++ >= limit) {
        hasMore = true;
        return;
      }
      yield row;
    }
  }
  return { taken: taken(), hasMore: () => hasMore };
}

function rowsTable(rows: readonly StateRow[], style: Terminal['stdout']['style']): string {
  const hasNamespaces = rows.some(({ namespace }) => namespace !== undefined);
  const heads = hasNamespaces ? ['key', 'namespace', 'value'] : ['key', 'value'];
  const cells = rows.map((row) => {
    const [key = '', namespace = '', value = ''] = cellsOf(row).map(cut);
    return hasNamespaces ? [key, namespace, value] : [key, value];
  });
  return tableText(heads, cells, style);
}

function cellsOf({ key, namespace, value }: StateRow): readonly string[] {
  return [stateText(key), stateText(namespace), stateText(value)];
}

function cut(text: string): string {
  const line = text.replace(/[\x00-\x1f\x7f]/g, ' ');
  return line.length > CELL_CHARACTERS_MAX ? `${line.slice(0, CELL_CHARACTERS_MAX)}…` : line;
}

function jsonOf({ key, namespace, value, subtask }: StateRow): string {
  return JSON.stringify({
    ...(key === undefined ? {} : { key: jsonValue(key) }),
    ...(namespace === undefined ? {} : { namespace: jsonValue(namespace) }),
    value: jsonValue(value),
    subtask,
  });
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
