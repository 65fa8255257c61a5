/**
 * Finds user code that asks the real clock or the real random generator while a simulation runs it.
 *
 * Invariants:
 * 1. Only calls from within a turn of a simulated worker count: the test around it may do as it
 *    likes.
 * 2. What was replaced is put back when the last watch ends.
 */
import { MillraceError } from '../../base/errors.ts';

/** How a stack shows that a simulated worker called. */
const TURN_FRAME = 'SimulatedWorker.turn';
/** User code may be that deep below the turn. */
const STACK_FRAMES = 200;

const RealDate = globalThis.Date;
const realRandom = Reflect.get(Math, 'random') as () => number;
const realMonotonic = Reflect.get(performance, 'now') as () => number;

let watches = 0;

/**
 * Makes `Date.now()`, `new Date()`, `Math.random()` and `performance.now()` throw where a job calls
 * them.
 */
export function watchImpurity(): Disposable {
  if (watches++ === 0) replace();
  let isOver = false;
  return {
    [Symbol.dispose]: () => {
      if (isOver) return;
      isOver = true;
      if (--watches === 0) putBack();
    },
  };
}

class WatchedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) refuse('new Date()');
    super(...(given as []));
  }

  static override now(): number {
    refuse('Date.now()');
    return RealDate.now();
  }
}

function replace(): void {
  Reflect.set(globalThis, 'Date', WatchedDate);
  Reflect.set(Math, 'random', () => {
    refuse('Math.random()');
    return realRandom();
  });
  Reflect.set(performance, 'now', () => {
    refuse('performance.now()');
    return realMonotonic.call(performance);
  });
}

function putBack(): void {
  Reflect.set(globalThis, 'Date', RealDate);
  Reflect.set(Math, 'random', realRandom);
  Reflect.deleteProperty(performance, 'now');
}

function refuse(call: string): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = STACK_FRAMES;
  const stack = new Error(call).stack ?? '';
  Error.stackTraceLimit = stackTraceLimit;
  if (!stack.includes(TURN_FRAME)) return;
  throw new MillraceError(
    'ILLEGAL_STATE',
    `a function of the job calls ${call}: after a failure it gives something else, so results are ` +
      'not repeatable; use the environment of the RuntimeContext, the timestamps of records or timers',
    { details: { call } },
  );
}
