/** Programs whose records change, mismatch or cannot be encoded; the first argument names one. */
import { type StreamExecutionEnvironment, types } from '../../src/index.ts';

/** A class of the user's: its instances cannot be rebuilt on another thread. */
export class Point {
  readonly x: number;

  constructor(x: number) {
    this.x = x;
  }
}

/** Records of many kinds, by number. */
export function changing(n: number): unknown {
  const kinds = [
    n,
    n + 0.5,
    `text ${n}`,
    null,
    { a: n },
    { a: `${n}`, b: [n] },
    BigInt(n),
    [n, 'x'],
    true,
    { d: new Date(n) },
  ];
  return { n, value: n < 500 ? n : kinds[n % kinds.length] };
}

/** Builds the program of that name. */
export function main(env: StreamExecutionEnvironment, [name = '']: readonly string[]): void {
  const numbers = env.fromSequence(0, 1999).rebalance();
  switch (name) {
    case 'changing':
      numbers
        .map(changing)
        .rebalance()
        .map((row) => row)
        .collectAsync('all');
      return;
    case 'mismatch':
      numbers
        .map((n) => ({ n, name: 5 as unknown as string }))
        .returns(types.row({ n: types.int, name: types.string }))
        .name('namer')
        .rebalance()
        .map((row) => row)
        .collectAsync('all');
      return;
    case 'instances':
      numbers
        .map((n) => new Point(n))
        .name('pointer')
        .rebalance()
        .map(({ x }) => x)
        .collectAsync('all');
      return;
    case 'functions':
      numbers
        .map((n) => ({ n, f: () => n }))
        .name('pointer')
        .rebalance()
        .map(({ n }) => n)
        .collectAsync('all');
      return;
    default:
      throw new Error(`there is no program '${name}'`);
  }
}
