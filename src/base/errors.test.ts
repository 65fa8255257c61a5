import test from 'ava';
import { assert, unreachable } from './assert.ts';
import { fromPlainError, hasErrorCode, MillraceError, toPlainError } from './errors.ts';

test('an error keeps name, code, details, stack and cause across a thread', (t) => {
  const cause = Object.assign(new TypeError('low'), { code: 'ENOSPC' });
  const error = new MillraceError('FILE_FAILED', 'high', { cause, details: { path: '/a' } });
  const copy = fromPlainError(structuredClone(toPlainError(error)));
  t.true(copy instanceof MillraceError);
  t.like(copy, { name: 'MillraceError', code: 'FILE_FAILED', message: 'high', stack: error.stack });
  t.deepEqual((copy as MillraceError).details, { path: '/a' });
  t.like(copy.cause, { name: 'TypeError', code: 'ENOSPC', message: 'low', stack: cause.stack });
});

test('an unknown code survives on a plain error', (t) => {
  const copy = fromPlainError({ name: 'Error', code: 'SOME_OTHER', message: 'x' });
  t.false(copy instanceof MillraceError);
  t.true('code' in copy && copy.code === 'SOME_OTHER');
});

test('what is thrown without being an error becomes one', (t) => {
  t.is(toPlainError('just text').message, 'just text');
  t.true(toPlainError(undefined).message.includes('undefined'));
});

test('a code is recognised by its text, not by its class', (t) => {
  t.true(hasErrorCode({ code: 'BUG' }, 'BUG'));
  for (const other of [new MillraceError('BUG', 'x'), null, undefined, 'BUG']) {
    t.false(hasErrorCode(other, 'JOB_FAILED'));
  }
});

test('an error without cause has none', (t) => {
  t.false('cause' in new MillraceError('BUG', 'x'));
});

test('assert makes its message only when it fails', (t) => {
  let made = 0;
  const message = (): string => `made ${++made}`;
  assert(true, message);
  t.is(made, 0);
  t.throws(() => assert(0, message), { code: 'BUG', message: 'made 1' });
  t.throws(() => assert(false, 'text'), { code: 'BUG', message: 'text' });
});

test('a forgotten case is a bug that names its value', (t) => {
  const value = { kind: 'odd' } as never;
  const error = t.throws(() => unreachable(value, 'message'), { code: 'BUG' });
  t.true(error.message.includes('odd'));
});
