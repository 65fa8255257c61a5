/**
 * A program under backpressure as a job module: store's folder, shape, records, rest of the sink in
 * ms, file that ends the rest.
 */
import { existsSync } from 'node:fs';
import type { StreamExecutionEnvironment } from '../../src/index.ts';
import { fileTransactionalStore } from '../../src/testing/index.ts';
import { buildPressedProgram, type PressedShape } from './kit/pressed-program.ts';

/** Builds it. */
export default function pressedJob(
  env: StreamExecutionEnvironment,
  [store = '', shape = 'keyed', count = '0', restMs = '0', end = '']: readonly string[],
): void {
  buildPressedProgram(env, {
    shape: shape as PressedShape,
    count: Number(count),
    store: (environment) => fileTransactionalStore(environment, store),
    restMs: () => (existsSync(end) ? 0 : Number(restMs)),
  });
}
