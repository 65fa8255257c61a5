/**
 * How a measuring program and a job's subtasks talk across attempts and threads: by files. The
 * program asks for a failure; a subtask fails, once for all, and each attempt notes when its first
 * record was through.
 */
import { existsSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { sharedNowMs } from '../support/shared-clock.ts';

const FAIL = 'fail';
const FIRST = 'first-';
/**
 * Records between two looks for a request: at 10 000 a second and subtask it is found within 6 ms.
 */
const RECORDS_PER_LOOK = 64;

/** A subtask's side, one per attempt. */
export class AttemptNotes {
  readonly #folder: string;
  #untilLook = RECORDS_PER_LOOK;
  #hasFirst = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws if a failure was asked for and no other subtask has taken the request. */
  failIfAsked(): void {
    if (--this.#untilLook > 0) return;
    this.#untilLook = RECORDS_PER_LOOK;
    const request = `${this.#folder}/${FAIL}`;
    if (!existsSync(request)) return;
    try {
      unlinkSync(request);
    } catch {
      return;
    }
    throw new Error('asked to fail');
  }

  /** A record is through. */
  processed(): void {
    if (this.#hasFirst) return;
    this.#hasFirst = true;
    writeFileSync(`${this.#folder}/${FIRST}${sharedNowMs()}`, '');
  }
}

/** Asks for a failure; the shared time of the request, in ms. */
export function askToFail(folder: string): number {
  const nowMs = sharedNowMs();
  writeFileSync(`${folder}/${FAIL}`, '');
  return nowMs;
}

/** Whether nobody has failed yet. */
export function isStillAsked(folder: string): boolean {
  return existsSync(`${folder}/${FAIL}`);
}

/** Shared times in ms of the first records of all attempts and subtasks, ascending. */
export function firstRecordsMs(folder: string): readonly number[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(FIRST));
  return names.map((name) => Number(name.slice(FIRST.length))).toSorted((a, b) => a - b);
}
