/** The job of first-result-workers. */
import type { StreamExecutionEnvironment } from '../../src/index.ts';

export default function firstResult(env: StreamExecutionEnvironment): void {
  env
    .fromData('to', 'be', 'or', 'not', 'to', 'be')
    .map((word) => ({ word, count: 1 }))
    .keyBy('word')
    .sum('count')
    .collectAsync('counts');
}
