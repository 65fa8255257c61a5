import test from 'ava';
import { executeJobModule } from '../../src/index.ts';
import { checkTotals } from './job-check.ts';
import { keyOf, mix, readingOf } from './readings.ts';
import { throughputJobs } from './throughput.ts';

test('keys and records are those of the Flink harness', (t) => {
  t.deepEqual(
    [1, 2, 3].map((n) => mix(n)),
    [mix32(1), mix32(2), mix32(3)],
  );
  t.is(keyOf(0, 10_000), 0);
  t.deepEqual(readingOf(12_345, 10_000, 7), {
    sensor: keyOf(12_345, 10_000),
    time: 1_436_918_400_123,
    value: 345,
    due: 7,
  });
});

for (const job of throughputJobs) {
  test(`${job.name} gives the results of a plain computation`, async (t) => {
    const size = { events: 120_000, keys: 1000 };
    await using client = await executeJobModule(job.module, {
      executor: 'inline',
      parallelism: 2,
      args: [`events=${size.events}`, `keys=${size.keys}`, 'check=yes'],
    });
    const { metrics } = await client.getJobExecutionResult();
    t.notThrows(() => checkTotals(job, metrics, size));
  });
}

/** The mixer in whole numbers of any size, as it is defined. */
function mix32(n: number): number {
  let z = BigInt(n);
  z ^= z >> 16n;
  z = (z * 0x21f0aaadn) & 0xffffffffn;
  z ^= z >> 15n;
  z = (z * 0x735a2d97n) & 0xffffffffn;
  z ^= z >> 15n;
  return Number(BigInt.asIntN(32, z));
}
