/** A job for the tests of savepoint check: the operator with uid `totals`, or with another one. */
import type { StreamExecutionEnvironment } from '../../index.ts';

export default function totals(
  env: StreamExecutionEnvironment,
  [uid = 'totals', maxParallelism = '128']: readonly string[],
): void {
  env
    .fromSequence(1, 3)
    .map((n) => n * 2)
    .name('Totals')
    .uid(uid)
    .setMaxParallelism(Number(maxParallelism))
    .print();
}
