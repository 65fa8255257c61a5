/**
 * Branded ids: numbers and strings that the compiler keeps apart, made only by the checking
 * functions here. They cost nothing at run time and are for control data, not for records.
 *
 * Invariant: a value of a branded type has passed its check.
 */
import type { Environment } from './environment.ts';
import { MillraceError } from './errors.ts';

declare const brand: unique symbol;

/** `T`, told apart from other `T`s by `Name`. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * One run of a job: 32 lower-case hexadecimal digits, the first 12 of them the start in epoch
 * milliseconds.
 */
export type JobId = Branded<string, 'JobId'>;
/** A vertex of a JobGraph: its position in topological order. */
export type VertexId = Branded<number, 'VertexId'>;
/** A parallel instance of a vertex, from 0. */
export type SubtaskIndex = Branded<number, 'SubtaskIndex'>;
/** A key group, from 0. */
export type KeyGroup = Branded<number, 'KeyGroup'>;
/** A checkpoint of a job, from 1. */
export type CheckpointId = Branded<number, 'CheckpointId'>;
/** Free bytes of a channel. */
export type Credits = Branded<number, 'Credits'>;
/** A time in epoch milliseconds. */
export type TimestampMs = Branded<number, 'TimestampMs'>;

const JOB_ID_TIME_DIGITS = 12;

/** A new id of a job; ids made later sort later. */
export function newJobId(environment: Pick<Environment, 'clock' | 'random'>): JobId {
  let text = environment.clock.now().toString(16).padStart(JOB_ID_TIME_DIGITS, '0');
  for (let part = 0; part < 5; part++) {
    text += environment.random.below(65_536).toString(16).padStart(4, '0');
  }
  return jobId(text);
}

/** Checks the text of a job id. */
export function jobId(text: string): JobId {
  if (/^[0-9a-f]{32}$/.test(text)) return text as JobId;
  throw new MillraceError('ILLEGAL_ARGUMENT', `a job id is 32 hexadecimal digits, got '${text}'`);
}

/** Checks a vertex id. */
export function vertexId(value: number): VertexId {
  return wholeNumber(value, 'vertex id', 0) as VertexId;
}

/** Checks a subtask's index. */
export function subtaskIndex(value: number): SubtaskIndex {
  return wholeNumber(value, 'subtask index', 0) as SubtaskIndex;
}

/** Checks a key group. */
export function keyGroup(value: number): KeyGroup {
  return wholeNumber(value, 'key group', 0) as KeyGroup;
}

/** Checks a checkpoint's id. */
export function checkpointId(value: number): CheckpointId {
  return wholeNumber(value, 'checkpoint id', 1) as CheckpointId;
}

/** Checks a number of free bytes. */
export function credits(value: number): Credits {
  return wholeNumber(value, 'number of credits', 0) as Credits;
}

/** Checks a time in epoch milliseconds; it may lie before 1970. */
export function timestampMs(value: number): TimestampMs {
  return wholeNumber(value, 'timestamp', Number.MIN_SAFE_INTEGER) as TimestampMs;
}

function wholeNumber(value: number, what: string, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a ${what} is a whole number from ${least}, got ${value}`,
  );
}
