/** Counts to the first argument; the second is a prefix of what it prints. */
import type { StreamExecutionEnvironment } from '../../src/index.ts';

export default function counting(
  env: StreamExecutionEnvironment,
  [count = '3', prefix = 'n']: readonly string[],
): void {
  env
    .fromSequence(1, Number(count))
    .map((n) => n * 10)
    .name('tens')
    .print(prefix);
}
