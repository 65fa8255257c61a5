/**
 * One worker of a simulation: takes turns while it is awake, and sleeps by its doorbell as a thread
 * would, so that a wake-up that gets lost is found.
 */
import type { Doorbell } from '../runtime/ring/doorbell.ts';
import type { WorkerLoop } from '../runtime/worker/worker-loop.ts';

/** See the file's head. */
export class SimulatedWorker {
  readonly loop: WorkerLoop;
  readonly #doorbell: Doorbell;
  /** As in {@link WorkerLoop}: after `prepare` it looks once more, then it sleeps. */
  #state: 'awake' | 'preparing' | 'asleep' = 'awake';

  constructor(loop: WorkerLoop, doorbell: Doorbell) {
    this.loop = loop;
    this.#doorbell = doorbell;
  }

  /** Whether it would take a turn. */
  get isRunnable(): boolean {
    if (this.loop.isFinished) return false;
    return this.#state !== 'asleep' || this.#doorbell.isAwake;
  }

  /** Takes a turn; whether any task got further. */
  turn(): boolean {
    if (this.#state === 'asleep') this.#state = 'awake';
    const progressed = this.loop.turn();
    if (progressed) {
      this.#doorbell.cancel();
      this.#state = 'awake';
    } else if (this.#state === 'awake') {
      this.#doorbell.prepare();
      this.#state = 'preparing';
    } else {
      this.#state = 'asleep';
    }
    return progressed;
  }

  /** Ends its sleep, as the timeout of a sleeping thread does. */
  wake(): void {
    this.#doorbell.ring();
  }
}
