/**
 * Keeps the last breaths of dead simulated processes from the test around the simulation: promises
 * that were rejected because their process died, and that nobody is left to handle.
 *
 * Invariant: every other unhandled rejection goes where it would have gone.
 */
import { realEnvironment } from '../../base/real-environment.ts';
import { SimulatedCrash } from '../../base/simulated-faults.ts';

type Listener = NodeJS.UnhandledRejectionListener;

const LAST_TURNS = 10;

const users = new Set<() => boolean>();
let listeners: readonly Listener[] = [];

/**
 * Until disposed, rejections by {@link SimulatedCrash} need no handler, nor does any while `isDead`
 * says that the process that runs is dead: what its code finds afterwards means nothing.
 */
export function ignoreDeadProcesses(isDead: () => boolean): AsyncDisposable {
  if (users.size === 0) {
    listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', passOn);
  }
  users.add(isDead);
  return { [Symbol.asyncDispose]: () => release(isDead) };
}

async function release(user: () => boolean): Promise<void> {
  // What is on its way when the simulation ends is of dead processes, too.
  for (let turn = 0; turn < LAST_TURNS; turn++) await realEnvironment().scheduler.yield();
  users.delete(user);
  if (users.size > 0) return;
  process.off('unhandledRejection', passOn);
  for (const listener of listeners) process.on('unhandledRejection', listener);
}

function passOn(reason: unknown, promise: Promise<unknown>): void {
  if (isOfDeadProcess(reason) || [...users].some((isDead) => isDead())) return;
  if (listeners.length === 0) throw reason;
  for (const listener of listeners) listener(reason, promise);
}

/** Also where the engine has put its operator's name around it. */
function isOfDeadProcess(reason: unknown): boolean {
  for (let error = reason; error instanceof Error; error = error.cause) {
    if (error instanceof SimulatedCrash) return true;
  }
  return false;
}
