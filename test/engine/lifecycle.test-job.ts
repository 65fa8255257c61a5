/** Programs for tests of cancel and clean-up; the first argument names one. */
import {
  NOTHING_AVAILABLE,
  type Source,
  type StreamExecutionEnvironment,
  WatermarkStrategy,
} from '../../src/index.ts';

/** A source that never has anything and never ends. */
export const silentSource: Source<number> = {
  boundedness: 'continuous-unbounded',
  createEnumerator: () => ({
    addReader: () => {},
    handleSplitRequest: () => {},
    addSplitsBack: () => {},
    snapshotState: () => [],
  }),
  createReader: () => ({
    pollNext: () => NOTHING_AVAILABLE,
    isAvailable: () => new Promise(() => {}),
    addSplits: () => {},
    notifyNoMoreSplits: () => {},
    snapshotState: () => [],
    close: () => {},
  }),
};

/** Builds the program of that name. */
export function main(env: StreamExecutionEnvironment, [name = '']: readonly string[]): void {
  switch (name) {
    case 'small':
      env
        .fromSequence(1, 100)
        .rebalance()
        .map((n) => n + 1)
        .collectAsync('all');
      return;
    case 'endless':
      env
        .fromSequence(1, Number.MAX_SAFE_INTEGER)
        .rebalance()
        .map((n) => n)
        .sinkTo(nowhere());
      return;
    case 'silent':
      env.fromSource(silentSource, WatermarkStrategy.noWatermarks<number>(), 'silent').print();
      return;
    case 'infinite-loop':
      env
        .fromSequence(1, 100)
        .map((n) => spin(n))
        .sinkTo(nowhere());
      return;
    case 'async-throw':
      env
        .fromSource(silentSource, WatermarkStrategy.noWatermarks<number>(), 'silent')
        .map({
          open: () => {
            setTimeout(() => {
              throw new TypeError('thrown later');
            }, 50);
          },
          map: (n: number) => n,
        })
        .print();
      return;
    default:
      throw new Error(`there is no program '${name}'`);
  }
}

function spin(n: number): number {
  for (let i = 0; ; i++) if (i < 0) return n;
}

function nowhere() {
  return { createWriter: () => ({ write: () => {}, flush: () => {}, close: () => {} }) };
}
