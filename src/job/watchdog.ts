/**
 * The watchdog: names an operator that has held its worker for too long. A loop without end in user
 * code stops every task of its worker, checkpoints and all, and nothing in that thread could say
 * so; the host's thread looks at the workers' heartbeats instead.
 *
 * Invariants:
 * 1. A stall is told once when it has lasted for the timeout, and once more at twice the timeout;
 *    then no more until the worker has moved.
 * 2. What is told lasted at least as long as told: a stall is counted from the first look that saw
 *    it, and a look after a pause of the host itself (a suspended process) counts for no more than
 *    two regular intervals.
 * 3. After `stop` no timer is left.
 *
 * A job of the inline executor has no second thread that could look: it has no watchdog.
 */
import type { Clock, Timer } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { formatDuration } from '../base/time.ts';
import type { HeartbeatReader } from '../metrics/heartbeats.ts';

/** An operator that does not give its worker back. */
export interface Stall {
  readonly worker: number;
  /**
   * The operator's name, or its vertex' (all operators of the chain) if it is not known which one.
   */
  readonly operator: string;
  readonly subtask: number;
  readonly stalledMs: number;
  /**
   * False at the timeout: a warning. True at twice the timeout: the worker will not come back by
   * itself.
   */
  readonly isLost: boolean;
  /** `OPERATOR_STALLED`, in words. */
  readonly error: MillraceError;
}

/** What a {@link Watchdog} is made of. */
export interface WatchdogOptions {
  readonly clock: Clock;
  readonly heartbeats: HeartbeatReader;
  /** `task.watchdog.timeout`; 0: it never looks. */
  readonly timeoutMs: number;
  readonly nameOf: (vertex: number, operator: number | undefined) => string;
  readonly onStall: (stall: Stall) => void;
}

/** Looks per timeout. */
const LOOKS_PER_TIMEOUT = 4;

interface Watched {
  steps: number;
  stalledMs: number;
  toldTimes: 0 | 1 | 2;
}

/** See the file's head. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #intervalMs: number;
  readonly #watched: Watched[];
  #timer: Timer | undefined;
  #lookedMs = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#intervalMs = Math.max(1, Math.floor(options.timeoutMs / LOOKS_PER_TIMEOUT));
    this.#watched = Array.from({ length: options.heartbeats.workers }, () => ({
      steps: Number.NaN,
      stalledMs: 0,
      toldTimes: 0,
    }));
  }

  /** Begins to look; the first look only takes note. */
  start(): void {
    if (this.#options.timeoutMs === 0) return;
    this.#lookedMs = this.#options.clock.monotonicMs();
    for (const watched of this.#watched) forget(watched);
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** A worker has been replaced: its new thread starts from nothing. */
  replaced(worker: number): void {
    const watched = this.#watched[worker];
    if (watched !== undefined) forget(watched);
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimer(this.#intervalMs, () => {
      // Armed first: the callback may stop the watchdog.
      this.#arm();
      this.#look();
    });
  }

  #look(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const passedMs = Math.min(nowMs - this.#lookedMs, 2 * this.#intervalMs);
    this.#lookedMs = nowMs;
    for (const [worker, watched] of this.#watched.entries()) {
      const heartbeat = this.#options.heartbeats.read(worker);
      if (heartbeat.vertex === undefined || heartbeat.steps !== watched.steps) {
        watched.steps = heartbeat.steps;
        watched.stalledMs = 0;
        watched.toldTimes = 0;
        continue;
      }
      watched.stalledMs += passedMs;
      const { vertex, subtask, operator } = heartbeat;
      this.#tell(worker, watched, { name: this.#options.nameOf(vertex, operator), subtask });
    }
  }

  #tell(worker: number, watched: Watched, at: { name: string; subtask: number }): void {
    const { timeoutMs, onStall } = this.#options;
    const { stalledMs } = watched;
    const due = stalledMs >= 2 * timeoutMs ? 2 : stalledMs >= timeoutMs ? 1 : 0;
    if (due <= watched.toldTimes) return;
    watched.toldTimes = due;
    const { name: operator, subtask } = at;
    const isLost = due === 2;
    onStall({
      worker,
      operator,
      subtask,
      stalledMs,
      isLost,
      error: stallError({ worker, operator, subtask, stalledMs, isLost }),
    });
  }
}

/** The next look takes note only: no number of steps equals NaN. */
function forget(watched: Watched): void {
  watched.steps = Number.NaN;
  watched.stalledMs = 0;
  watched.toldTimes = 0;
}

function stallError(stall: Omit<Stall, 'error'>): MillraceError {
  const { worker, operator, subtask, stalledMs } = stall;
  return new MillraceError(
    'OPERATOR_STALLED',
    `operator '${operator}' (subtask ${subtask}) has held worker ${worker} for ${formatDuration(Math.round(stalledMs))}: nothing else of that ` +
      'worker goes on, checkpoints included; look for a loop without end or a call that blocks, or raise task.watchdog.timeout',
    { details: { operator, subtask, worker, stalledMs } },
  );
}
