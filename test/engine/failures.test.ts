/**
 * User code that throws: the job fails with the operator's name, the record where one was being
 * processed, and the user's error with its stack as cause; whatever was opened is closed exactly
 * once.
 */
import test, { type ExecutionContext } from 'ava';
import { executeJobModule, MillraceError, StreamExecutionEnvironment } from '../../src/index.ts';
import { runSimulated } from '../../src/testing/index.ts';
import { BAD, buildFailing, PLACES } from './failures.test-job.ts';

const JOB = new URL('./failures.test-job.ts', import.meta.url);

/** Places at which one record is being processed. */
const WITH_RECORD = new Set([
  'map',
  'filter',
  'flat-map',
  'flat-map-iterable',
  'process',
  'key',
  'reduce',
  'aggregate',
]);

for (const [place, operator] of Object.entries(PLACES)) {
  test(`inline: a failure in ${place} names '${operator}' and closes everything once`, async (t) => {
    const log: string[] = [];
    await using env = StreamExecutionEnvironment.create({ parallelism: 2 });
    buildFailing(env, place, (line) => log.push(line));
    const error = await t.throwsAsync(env.execute(place));
    expectFailure(t, error, place, operator);
    expectClosedOnce(t, log);
  });

  test(`simulated: a failure in ${place} names '${operator}' and closes everything once`, async (t) => {
    const log: string[] = [];
    const running = runSimulated((env) => buildFailing(env, place, (line) => log.push(line)), {
      seed: 1,
      parallelism: 2,
    });
    const error = await t.throwsAsync(running);
    expectFailure(t, error, place, operator);
    expectClosedOnce(t, log);
  });
}

test('without a failure everything is closed once, too', async (t) => {
  const log: string[] = [];
  await using env = StreamExecutionEnvironment.create({ parallelism: 2 });
  buildFailing(env, 'nowhere', (line) => log.push(line));
  await env.execute();
  t.true(log.includes('open committer'));
  expectClosedOnce(t, log);
});

for (const place of [
  'enumerator',
  'reader',
  'map',
  'map-open',
  'key',
  'reduce',
  'window-function',
  'sink-write',
  'sink-flush',
  'map-close',
]) {
  test.serial(
    `workers: a failure in ${place} arrives with operator, record and stack`,
    async (t) => {
      await using job = await executeJobModule(JOB, { parallelism: 2, args: [place] });
      const error = await t.throwsAsync(job.getJobExecutionResult());
      expectFailure(t, error, place, PLACES[place] ?? '');
      t.is(job.status(), 'failed');
    },
  );
}

function expectFailure(
  t: ExecutionContext,
  error: Error | undefined,
  place: string,
  operator: string,
): void {
  if (!(error instanceof MillraceError)) return t.fail(`no MillraceError: ${String(error)}`);
  t.is(error.code, 'USER_FUNCTION_FAILED', error.stack);
  t.true(String(error.details?.['operator']).includes(operator), error.message);
  t.true(error.message.includes(operator) && error.message.includes(`failed in ${place}`));
  const { cause } = error;
  t.true(cause instanceof Error && cause.name === 'UserError' && cause.message.includes(place));
  t.regex(cause instanceof Error ? (cause.stack ?? '') : '', /failures\.test-job\.ts:\d+/);
  if (WITH_RECORD.has(place)) t.is(error.details?.['record'], String(BAD), error.message);
}

/** As many closes as opens of each kind; functions whose own open failed count as opened. */
function expectClosedOnce(t: ExecutionContext, log: readonly string[]): void {
  const balance = new Map<string, number>();
  for (const line of log) {
    const [verb, name = ''] = line.split(' ');
    balance.set(name, (balance.get(name) ?? 0) + (verb === 'open' ? 1 : -1));
  }
  balance.delete('enumerator');
  t.is(log.filter((line) => line === 'close enumerator').length, 1);
  for (const [name, count] of balance) t.is(count, 0, `${name}: ${log.join()}`);
}
