import test from 'ava';
import { types } from '../../types/types.ts';
import { SourceRun } from '../common/testing/run-source.ts';
import { collectionSource } from './collection-source.ts';

const values = Array.from({ length: 600 }, (_, index) => `value ${index}`);

test('the values come in their order', async (t) => {
  const run = await new SourceRun(collectionSource(values)).toEnd();
  t.deepEqual(run.records(), values);
});

test('no values give an end at once', async (t) => {
  const run = await new SourceRun(collectionSource<string>([])).toEnd();
  t.deepEqual(run.records(), []);
});

test('a position at any record goes on with the next', async (t) => {
  const few = values.slice(0, 20);
  for (let next = 0; next <= few.length; next++) {
    const restored = [{ splitId: 'collection', next }];
    const run = new SourceRun(collectionSource(few), { restored });
    t.deepEqual(run.snapshot(), restored);
    t.deepEqual((await run.toEnd()).records(), few.slice(next));
    t.deepEqual(run.snapshot(), []);
  }
});

test('a snapshot between two polls goes on with the next value', async (t) => {
  const first = new SourceRun(collectionSource(values));
  first.poll(0);
  const second = new SourceRun(collectionSource(values), { restored: first.snapshot() });
  t.deepEqual([...first.records(), ...(await second.toEnd()).records()], values);
});

test('a change of the list after the source was made changes nothing', async (t) => {
  const list = [1, 2];
  const source = collectionSource(list, types.int);
  list.push(3);
  t.deepEqual((await new SourceRun(source).toEnd()).records(), [1, 2]);
  t.is(source.producedType, types.int);
  t.is(source.parallelismMax, 1);
});

test('undefined is refused when the source is made', (t) => {
  t.throws(() => collectionSource([1, undefined]), {
    code: 'ILLEGAL_ARGUMENT',
    message: /value 1 .* undefined/,
  });
});
