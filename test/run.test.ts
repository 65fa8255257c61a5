import test from 'ava';
import { countTests } from './run.ts';

const summary = (...lines: readonly string[]): string => `\n  ─\n\n${lines.join('\n')}\n`;

test('passed tests are counted, with colors or without', (t) => {
  const plain = { exitCode: 0, output: summary('  106 tests passed') };
  const colored = { exitCode: 0, output: summary('  \u001B[32m1 test passed\u001B[39m') };
  t.deepEqual(countTests(plain), { passed: 106, failed: 0 });
  t.deepEqual(countTests(colored), { passed: 1, failed: 0 });
});

test('failed tests, hooks, exceptions and rejections are failures', (t) => {
  const lines = [
    '  2 tests failed',
    '  1 hook failed',
    '  1 uncaught exception',
    '  1 test passed',
  ];
  t.deepEqual(countTests({ exitCode: 1, output: summary(...lines) }), { passed: 1, failed: 4 });
});

test('a run that fails without saying why, or runs nothing, is one failure', (t) => {
  t.deepEqual(countTests({ exitCode: 1, output: '' }), { passed: 0, failed: 1 });
  t.deepEqual(countTests({ exitCode: 0, output: '' }), { passed: 0, failed: 1 });
});
