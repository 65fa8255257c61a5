/**
 * Turns what a step threw into the job's failure: with operator, subtask and record, the user's
 * stack kept as cause.
 */
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import type { Task } from './task.ts';

/** Longest text of a record in a message. */
const RECORD_CHARACTERS_MAX = 500;

/** See the file's head. Errors of the engine keep their code; everything else is the user's. */
export function taskFailure(task: Task, error: unknown): MillraceError {
  const { operator: failed, record } = task.chain.failure();
  const operator = operatorOf(error) ?? failed;
  const recordText = describeRecord(record);
  const details = { operator, subtask: task.subtask, record: recordText };
  const where = `operator '${operator}' (subtask ${task.subtask})`;
  const onRecord = recordText === undefined ? '' : ` on record ${recordText}`;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof MillraceError) {
    if (hasErrorCode(error, 'BUG')) return error;
    return new MillraceError(error.code, `${where}${onRecord}: ${message}`, {
      cause: error,
      details: { ...error.details, ...details },
    });
  }
  return new MillraceError('USER_FUNCTION_FAILED', `${where} failed${onRecord}: ${message}`, {
    cause: error,
    details,
  });
}

/** The operator that an error of the engine names itself. */
function operatorOf(error: unknown): string | undefined {
  const operator = error instanceof MillraceError ? error.details?.['operator'] : undefined;
  return typeof operator === 'string' ? operator : undefined;
}

/** Acts, and hands what is thrown to `fail`. */
export function attempt(act: () => void, fail: (error: unknown) => void): void {
  try {
    act();
  } catch (error) {
    fail(error);
  }
}

function describeRecord(record: unknown): string | undefined {
  if (record === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(record, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
  } catch {
    text = String(record);
  }
  if (text === undefined) return String(record);
  return text.length > RECORD_CHARACTERS_MAX ? `${text.slice(0, RECORD_CHARACTERS_MAX)}…` : text;
}
