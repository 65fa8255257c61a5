/** Programs for worker threads of native-free; the first argument names one. */
import type { StreamExecutionEnvironment } from './index.ts';

/** Builds the program of that name. */
export function main(env: StreamExecutionEnvironment, [name = '']: readonly string[]): void {
  env
    .fromSequence(1, name === 'later' ? 1e12 : 100)
    .map((n) => ({ n, extra: new Set([n]) as unknown }))
    .rebalance()
    .map({
      open: () => {
        if (name === 'later') setTimeout(throwLater, 20);
      },
      map: (row) => {
        if (name === 'bad' && row.n === 50) throw new RangeError(`bad ${row.n}`);
        while (name === 'endless');
        return row;
      },
    })
    .name('checker')
    .filter(() => name !== 'later')
    .collectAsync('all');
}

function throwLater(): never {
  throw new TypeError('thrown later');
}
