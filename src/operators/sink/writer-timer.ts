/**
 * Turns a sink writer's wish to be called (monotonic time) into a wake-up of its stage (wall
 * clock). Invariant: while the writer has something to wait for, one wake-up is asked for; a quiet
 * sink asks for none.
 */
import type { SinkWriter } from '../../functions/sink.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import type { StageContext } from '../chain-stage.ts';

/** See the file's head. */
export class WriterTimer {
  /** Whether there is nothing to ask for now: the generated code of each record looks at it. */
  isSet = false;
  readonly #writer: () => SinkWriter<AnyRecord, AnyRecord, AnyRecord>;
  readonly #context: StageContext;

  constructor(writer: () => SinkWriter<AnyRecord, AnyRecord, AnyRecord>, context: StageContext) {
    this.#writer = writer;
    this.#context = context;
  }

  set(): void {
    if (this.#writer().nextTimerMs === undefined) {
      this.isSet = true;
      return;
    }
    const remainingMs = this.#remainingMs();
    if (remainingMs === Number.POSITIVE_INFINITY) return;
    const now = this.#context.currentProcessingTime();
    this.#context.wakeAt(now + Math.max(0, Math.ceil(remainingMs)));
    this.isSet = true;
  }

  fire(): void {
    this.isSet = false;
    // The wish may have moved since it was asked for.
    if (this.#remainingMs() <= 0) this.#writer().onTimer?.();
    this.set();
  }

  #remainingMs(): number {
    const dueMs = this.#writer().nextTimerMs?.() ?? Number.POSITIVE_INFINITY;
    return dueMs - this.#context.runtimeContext.environment.clock.monotonicMs();
  }
}
