/** How a worker sleeps until there is something to do. */
import type { Clock, Environment } from '../../base/environment.ts';
import type { Doorbell } from '../ring/doorbell.ts';

/** Two-step sleep: `prepare`, look once more, then `cancel` or `wait`; so no wake-up is lost. */
export interface Idler {
  prepare(): void;
  cancel(): void;
  /**
   * Sleeps until woken or for `timeoutMs`; with `turnEventLoop` promises and sockets go on
   * meanwhile.
   */
  wait(timeoutMs: number, turnEventLoop: boolean): void | Promise<void>;
  /** Ends the sleep, from the same thread. */
  wake(): void;
}

/** Sleeps on a worker's doorbell. */
export function doorbellIdler(doorbell: Doorbell, clock: Clock): Idler {
  return {
    prepare: () => doorbell.prepare(),
    cancel: () => doorbell.cancel(),
    wait: (timeoutMs, turnEventLoop) =>
      turnEventLoop ? doorbell.waitAsync(timeoutMs, clock) : doorbell.wait(timeoutMs),
    wake: () => doorbell.ring(),
  };
}

/** Sleeps on the event loop of the calling thread: for the inline executor. */
export function eventLoopIdler(environment: Environment): Idler {
  let wake: (() => void) | undefined;
  let woken = false;
  return {
    prepare: () => {
      woken = false;
    },
    cancel: () => undefined,
    wait: (timeoutMs) =>
      new Promise<void>((resolve) => {
        if (woken) {
          resolve();
          return;
        }
        const timer = Number.isFinite(timeoutMs)
          ? environment.clock.setTimer(timeoutMs, () => end())
          : undefined;
        const end = (): void => {
          wake = undefined;
          timer?.cancel();
          resolve();
        };
        wake = end;
      }),
    wake: () => {
      woken = true;
      wake?.();
    },
  };
}
