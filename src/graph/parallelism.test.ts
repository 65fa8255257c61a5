import test from 'ava';
import { derivedMaxParallelism } from './parallelism.ts';

test('the default maximum parallelism leaves room for half as much again, from 128 to 32,768', (t) => {
  t.deepEqual(
    [1, 85, 86, 128, 171, 20_000, 32_768].map(derivedMaxParallelism),
    [128, 128, 256, 256, 256, 32_768, 32_768],
  );
});
