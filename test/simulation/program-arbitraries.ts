/** Random programs for property tests. */
import fc from 'fast-check';
import type { Program, Step } from './random-program.ts';
import type { Row } from './row.ts';

const modulo = fc.integer({ min: 2, max: 4 });
const plus = fc.integer({ min: -5, max: 1000 });

const payload: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Object.is(x, -0)),
  fc.string({ maxLength: 5 }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.record({ a: fc.integer(), b: fc.string({ maxLength: 3 }) }),
);

/** How many rows. */
export interface Length {
  readonly minLength: number;
  readonly maxLength: number;
}

/** Rows whose timestamps lag the largest one before them by at most `disorderMs`. */
function rowsArbitrary(disorderMs: number, { minLength, maxLength }: Length): fc.Arbitrary<Row[]> {
  const seed = fc.record({
    k: fc.integer({ min: 0, max: 4 }),
    v: fc.integer({ min: -20, max: 20 }),
    step: fc.integer({ min: 0, max: 60 }),
    lag: fc.integer({ min: 0, max: disorderMs }),
    x: payload,
  });
  return fc.array(seed, { minLength, maxLength, size: 'max' }).map((seeds) => {
    let largest = 1000;
    return seeds.map(({ k, v, step, lag, x }, id) => {
      largest += step;
      return { id, k, v, t: largest - lag, x };
    });
  });
}

function stepArbitrary(parallelismMax: number): fc.Arbitrary<Step> {
  const times = fc.integer({ min: -2, max: 3 });
  const parallelism = fc.integer({ min: 1, max: parallelismMax });
  const by = fc.constantFrom('rebalance', 'rescale', 'shuffle', 'global', 'custom', 'key');
  return fc.oneof(
    fc.record({ kind: fc.constant('map'), times, plus }),
    fc.record({ kind: fc.constant('filter'), modulo }),
    fc.record({ kind: fc.constant('flat-map'), modulo, asIterable: fc.boolean() }),
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('partition'), by }) },
    fc.record({ kind: fc.constant('broadcast'), parallelism }),
    fc.record({ kind: fc.constant('union'), plus, modulo }),
    fc.record({ kind: fc.constant('side-output'), plus, modulo }),
    { weight: 2, arbitrary: windowArbitrary() },
    fc.record({
      kind: fc.constant('process'),
      sizeMs: fc.constantFrom(20, 100, 250),
      connects: fc.option(modulo),
    }),
  ) as fc.Arbitrary<Step>;
}

function windowArbitrary(): fc.Arbitrary<Step> {
  return fc
    .record({ slideMs: fc.constantFrom(20, 50, 100), slides: fc.integer({ min: 1, max: 3 }) })
    .map(({ slideMs, slides }) => ({ kind: 'window', slideMs, sizeMs: slideMs * slides }));
}

/** Programs that run at `parallelismMax`; disorder exceeds the bound if `isLate`. */
export function programArbitrary(
  parallelismMax: number,
  isLate = false,
  length: Length = { minLength: 0, maxLength: 60 },
): fc.Arbitrary<Program> {
  const own = fc.record({
    chaining: fc.constantFrom('on', 'on', 'off'),
    parallelism: fc.option(fc.integer({ min: 1, max: parallelismMax })),
  });
  const steps = fc.array(fc.tuple(stepArbitrary(parallelismMax), own), { maxLength: 5 });
  return fc.integer({ min: 0, max: 80 }).chain((boundMs) =>
    fc.record({
      rows: rowsArbitrary(isLate ? boundMs + 300 : boundMs, length),
      boundMs: fc.constant(boundMs),
      emit: fc.constantFrom('on-event', 'on-periodic'),
      strategyAtSource: fc.boolean(),
      steps: steps.map((all) => all.map(([step, settings]) => ({ ...step, own: settings }))),
      counts: fc.boolean(),
    }),
  ) as fc.Arbitrary<Program>;
}
