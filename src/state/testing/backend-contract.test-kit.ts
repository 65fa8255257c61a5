/** What every keyed state backend must do, as tests that each backend's own test registers. */
import test from 'ava';
import fc from 'fast-check';
import { BackendModel } from './backend-model.ts';
import type { BackendUnderTest, ModelStep } from './backend-model.ts';

const anyKey = fc.oneof(
  fc.integer({ min: 0, max: 4 }),
  fc.constantFrom('', 'é', 'a key that is longer than twelve'),
  fc.tuple(fc.nat(1), fc.constantFrom('x')),
);
const anyState = fc.nat(5);

const anyStep: fc.Arbitrary<ModelStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put'),
      state: anyState,
      key: anyKey,
      value: fc.nat(99),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('batch'),
      state: anyState,
      keys: fc.array(anyKey, { maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove'), state: anyState, key: anyKey }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop'), state: anyState }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('cut'),
      snapshot: fc.constantFrom('incremental', 'incremental', 'incremental', 'full', 'canonical'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('slice') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end'),
      how: fc.constantFrom('complete', 'complete', 'complete', 'abort', 'give up', 'later'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('settle'),
      how: fc.constantFrom('complete', 'abort'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart'),
      parallelism: fc.integer({ min: 1, max: 4 }),
      isLazy: fc.boolean(),
    }),
  },
) as fc.Arbitrary<ModelStep>;

/** Registers the tests. `numRuns` of the random ones (300). */
export function testBackendContract(name: string, under: BackendUnderTest, numRuns = 200): void {
  test(`${name}: equals a plain model over random operations, cuts, aborts and restores`, async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 20, maxLength: 120, size: 'max' }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, parallelism) => {
          const model = new BackendModel(under, parallelism);
          await model.run(steps);
          const difference = model.difference() ?? (await model.restoreEverywhere());
          if (difference !== undefined) throw new Error(difference);
        },
      ),
      { numRuns },
    );
    t.pass();
  });
}
