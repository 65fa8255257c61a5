import test from 'ava';
import {
  checkpointId,
  credits,
  jobId,
  keyGroup,
  newJobId,
  subtaskIndex,
  timestampMs,
  vertexId,
} from './ids.ts';
import { simulatedEnvironment } from './simulated-environment.ts';

test('a new job id is 32 hexadecimal digits and sorts by time', (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const first = newJobId(environment);
  const second = newJobId(environment);
  environment.clock.advanceBy(1);
  const third = newJobId(environment);
  t.regex(first, /^[0-9a-f]{32}$/);
  t.not(first, second);
  t.true(first < third && second < third);
  t.is(newJobId(simulatedEnvironment({ seed: 1 })), first);
});

test('checking constructors refuse what is not an id', (t) => {
  t.is(vertexId(3), 3 as ReturnType<typeof vertexId>);
  t.throws(() => vertexId(-1), { code: 'ILLEGAL_ARGUMENT' });
  t.throws(() => subtaskIndex(0.5), { code: 'ILLEGAL_ARGUMENT' });
  t.throws(() => keyGroup(Number.NaN), { code: 'ILLEGAL_ARGUMENT' });
  t.throws(() => checkpointId(0), { code: 'ILLEGAL_ARGUMENT' });
  t.throws(() => credits(2 ** 53), { code: 'ILLEGAL_ARGUMENT' });
  t.throws(() => jobId('../x'), { code: 'ILLEGAL_ARGUMENT' });
  t.notThrows(() => timestampMs(-1));
});
