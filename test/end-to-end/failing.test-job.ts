/** Fails on a record, or before anything runs, as the argument says. */
import type { StreamExecutionEnvironment } from '../../src/index.ts';

export default function failing(env: StreamExecutionEnvironment, [how]: readonly string[]): void {
  if (how === 'while building') throw new RangeError('this argument is no good');
  const numbers = env.fromSequence(1, 10);
  if (how === 'with collectAsync') numbers.collectAsync('numbers');
  if (how === 'with a bad parallelism') numbers.setParallelism(-1);
  numbers
    .map((n) => ({ id: n, half: halve(n) }))
    .name('halves')
    .print();
}

function halve(n: number): number {
  if (n === 7) throw new TypeError('seven has no half');
  return n / 2;
}
