/**
 * Programs that press more through channels than fits; the first argument names one, the second is
 * a number.
 */
import type { Sink, StreamExecutionEnvironment } from '../../src/index.ts';

/** Builds the program of that name. */
export function main(
  env: StreamExecutionEnvironment,
  [name = '', number = '0']: readonly string[],
): void {
  switch (name) {
    case 'explosion':
      // Each of two subtasks turns one record into many, for all subtasks.
      env
        .fromSequence(1, 2)
        .rebalance()
        .flatMap<{ source: number; n: number }>((source, out) => {
          for (let n = 0; n < Number(number); n++) out.collect({ source, n });
        })
        .keyBy('n')
        .map(({ source, n }) => ({ source, count: 1, sum: n }))
        .keyBy('source')
        .reduce((a, b) => ({ source: a.source, count: a.count + b.count, sum: a.sum + b.sum }))
        .filter(({ count }) => count % Number(number) === 0)
        .collectAsync('totals');
      return;
    case 'large':
      env
        .fromSequence(1, 4)
        .rebalance()
        .map((n) => ({ n, text: `${n}`.repeat(Number(number)) }))
        .rebalance()
        .map(({ n, text }) => ({ n, length: text.length, same: new Set(text).size === 1 }))
        .collectAsync('lengths');
      return;
    case 'slow-sink':
      env
        .fromSequence(1, Number.MAX_SAFE_INTEGER)
        .rebalance()
        .map((n) => ({ n, text: `record ${n}` }))
        .rebalance()
        .sinkTo(slowSink(Number(number)))
        .name('slow');
      return;
    default:
      throw new Error(`there is no program '${name}'`);
  }
}

/** Takes `perTick` records, then none for 5 ms. */
function slowSink(perTick: number): Sink<unknown> {
  return {
    createWriter: ({ environment }) => {
      let left = perTick;
      return {
        write: () => {
          left--;
        },
        backpressure: () => {
          if (left > 0) return undefined;
          return new Promise<void>((resolve) => {
            environment.clock.setTimer(5, () => {
              left = perTick;
              resolve();
            });
          });
        },
        flush: () => {},
        close: () => {},
      };
    },
  };
}
