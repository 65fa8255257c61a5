/**
 * What happens to input that is no record: a dead letter that somebody reads, or a failed job.
 *
 * Invariant: malformed input is never silently dropped. If the policy is `dead-letter` and nobody
 * reads the side output, the first malformed input fails the job.
 */
import { MillraceError } from '../../base/errors.ts';
import { DEAD_LETTERS, type DeadLetter } from '../../functions/dead-letter.ts';
import type { Counter } from '../../functions/runtime-context.ts';
import type { ReaderOutput, SourceReaderContext } from '../../functions/source.ts';

/**
 * What a source does with malformed input: send it to the side output `DEAD_LETTERS`, or fail the
 * job.
 */
export type OnMalformed = 'dead-letter' | 'fail';

/** The most characters of a dead letter's raw input. */
export const RAW_LENGTH_MAX: number = 64 * 1024;

/** Reports malformed input of one reader. */
export class DeadLetterReporter {
  readonly #context: SourceReaderContext;
  readonly #policy: OnMalformed;
  readonly #numDeadLetters: Counter;

  constructor(context: SourceReaderContext, policy: OnMalformed) {
    this.#context = context;
    this.#policy = policy;
    this.#numDeadLetters = context.metricGroup.counter('numDeadLetters');
  }

  /** Sends the letter to its side output, or throws. */
  report(output: ReaderOutput<unknown>, letter: DeadLetter): void {
    if (this.#policy === 'fail') throw refused(letter, "use onMalformed: 'dead-letter' to go on");
    if (!this.#context.hasSideOutput(DEAD_LETTERS.id)) {
      throw refused(
        letter,
        'nobody reads the dead letters, so it would get lost: attach a reader with ' +
          "stream.getSideOutput(DEAD_LETTERS), or choose onMalformed: 'fail'",
      );
    }
    this.#numDeadLetters.inc();
    const raw =
      letter.raw.length > RAW_LENGTH_MAX ? letter.raw.slice(0, RAW_LENGTH_MAX) : letter.raw;
    output.output(DEAD_LETTERS, { ...letter, raw });
  }
}

function refused(letter: DeadLetter, remedy: string): MillraceError {
  const { origin, offset, cause } = letter;
  const raw = letter.raw.slice(0, 200);
  return new MillraceError(
    'RECORD_MALFORMED',
    `malformed input in '${origin}' at offset ${offset}: ${cause}; mend the file, or ${remedy}`,
    { details: { file: origin, offset, cause, raw } },
  );
}
