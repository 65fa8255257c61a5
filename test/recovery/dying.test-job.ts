/**
 * A program whose user code ends its own thread, once: store's folder, folder of marks, shape,
 * point, how.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type { StreamExecutionEnvironment } from '../../src/index.ts';
import { fileTransactionalStore } from '../../src/testing/index.ts';
import { buildFailingProgram, type Point, type Shape } from './kit/failing-program.ts';
import { KEYS, type Pace } from './kit/numbered-source.ts';

/** Records of each input. */
export const COUNT = 4000;
/** From here on the source is slow until the thread has died. */
const SLOW_FROM = 2000;

/** How a thread dies. */
export const WAYS: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(3),
  uncaught: () => {
    setTimeout(() => {
      throw new Error('in a timer of user code');
    }, 1);
  },
  rejection: () => {
    const unhandled = Promise.reject(new Error('a promise that nobody waits for'));
    // Given to nobody, on purpose.
    [unhandled].length = 0;
  },
  'endless loop': () => {
    for (;;);
  },
};

/** Builds it. */
export default function dyingJob(
  env: StreamExecutionEnvironment,
  [store = '', marks = '', shape = '', point = '', way = '']: readonly string[],
): void {
  const isArmed = (): boolean => existsSync(`${marks}/armed`);
  const isDead = (): boolean => existsSync(`${marks}/dead`);
  buildFailingProgram(env, {
    shape: shape as Shape,
    count: COUNT,
    store: (environment) => fileTransactionalStore(environment, store),
    pace: (index): Pace => {
      if (index < SLOW_FROM || isDead()) return 'fast';
      return index < COUNT - KEYS || isArmed() ? 'slow' : 'held';
    },
    failAt: (at: Point) => {
      if (at !== point || !isArmed() || isDead()) return;
      writeFileSync(`${marks}/dead`, at);
      WAYS[way]?.();
    },
  });
}
