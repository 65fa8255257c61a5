/** The command line from outside: what it prints, what it exits with, how it stops. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { MAIN, ROOT, runCli, startCli, temporaryFolder } from './run-cli.ts';

const COUNTING = 'test/end-to-end/counting.test-job.ts';
const FAILING = 'test/end-to-end/failing.test-job.ts';
const ENDLESS = 'test/end-to-end/endless.test-job.ts';
const INLINE = ['--executor', 'inline'];

interface JsonOutput {
  readonly status: string;
  readonly jobName?: string;
  readonly numRecordsIn?: number;
  readonly sinks?: readonly { readonly name: string; readonly numRecords: number }[];
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly cause: { readonly stack: string };
  };
}

function lastLine(stdout: string): JsonOutput {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as JsonOutput;
}

test.serial('help and version go to the standard output', async (t) => {
  const [help, runHelp, version] = await Promise.all([
    runCli('--help'),
    runCli('run', '--help'),
    runCli('--version'),
  ]);
  for (const { code, stderr } of [help, runHelp, version]) t.deepEqual([code, stderr], [0, '']);
  t.regex(help.stdout, /run \[options\] <job>/);
  for (const option of ['--parallelism', '--executor', '-D <key=value>', '--dump-chains', '--json'])
    t.true(runHelp.stdout.includes(option), option);
  t.regex(runHelp.stdout, /Exit codes: 0 finished/);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  t.is(version.stdout, `${manifest.version}\n`);
});

for (const executor of ['workers', 'inline']) {
  test.serial(
    `a job on ${executor} gets what stands after -- and ends with a summary`,
    async (t) => {
      const { code, stdout, stderr } = await runCli(
        'run',
        COUNTING,
        '-e',
        executor,
        '--',
        '1000',
        '--json',
      );
      t.is(code, 0);
      t.is(stderr, '', 'no progress where there is no terminal');
      const lines = stdout.split('\n');
      t.true(lines.includes('--json> 10000'));
      const summary = lines.slice(1000).join('\n');
      t.regex(summary, /^finished counting\.test-job in \d/);
      t.regex(summary, /records in +1,000 \(/);
      t.regex(summary, /written\n.* 1,000 records/);
      t.false(stdout.includes('\x1b'), 'no colors');
    },
  );
}

test.serial('{run} in an argument of the job is the time of the start', async (t) => {
  const { stdout } = await runCli('run', COUNTING, ...INLINE, '--', '1', 'at {run}');
  t.regex(stdout, /^at \d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ> 10\n/);
});

test.serial('--json ends the output with one object', async (t) => {
  const { code, stdout } = await runCli('run', COUNTING, '--json', ...INLINE, '--', '5');
  t.is(code, 0);
  const { status, jobName, numRecordsIn, sinks } = lastLine(stdout);
  t.deepEqual([status, jobName, numRecordsIn], ['finished', 'counting.test-job', 5]);
  t.deepEqual(
    sinks?.map((sink) => sink.numRecords),
    [5],
  );
});

for (const executor of ['workers', 'inline']) {
  test.serial(
    `a failing job on ${executor} names operator, record and the user's line`,
    async (t) => {
      const { code, stderr } = await runCli('run', FAILING, '--executor', executor);
      t.is(code, 1);
      t.regex(stderr, /^USER_FUNCTION_FAILED {2}operator 'halves'/);
      t.regex(stderr, /operator +halves\n/);
      t.regex(stderr, /record +7\n/);
      t.regex(stderr, /TypeError: seven has no half\n/);
      t.regex(stderr, /at halve \(file:.*failing\.test-job\.ts:\d+:\d+\)\n/);
      t.notRegex(stderr, /task-failure|node:internal/);
    },
  );
}

test.serial('a failing job with --json prints the error as an object', async (t) => {
  const { code, stdout, stderr } = await runCli('run', FAILING, '--json', ...INLINE);
  t.deepEqual([code, stderr], [1, '']);
  const { status, error } = lastLine(stdout);
  t.is(status, 'failed');
  t.is(error?.code, 'USER_FUNCTION_FAILED');
  t.like(error?.details, { operator: 'halves', record: '7' });
  t.regex(error?.cause.stack ?? '', /at halve /);
});

const WRONG: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
  ['no command', [], /Usage: millrace/],
  ['an unknown command', ['runn'], /unknown command 'runn'/],
  ['no job', ['run'], /missing required argument 'job'/],
  ['an unknown option', ['run', COUNTING, '--exector', 'inline'], /Did you mean --executor/],
  [
    'an unknown executor',
    ['run', COUNTING, '--executor', 'cluster'],
    /Allowed choices are workers/,
  ],
  ['a bad parallelism', ['run', COUNTING, '--parallelism', '0'], /whole number from 1 to 32768/],
  ['-D without a value', ['run', COUNTING, '-D', 'key'], /Give key=value/],
  [
    'an unknown key',
    ['run', COUNTING, '-D', 'no.such=1'],
    /CONFIG_INVALID.*'no\.such'.*parallelism/,
  ],
  ['a mistyped module', ['run', 'test/end-to-end/couting.test-job.ts'], /mean counting\.test-job/],
  ['a folder', ['run', 'test'], /JOB_MODULE_INVALID.*'test' is a folder/],
  ['a module without a job', ['run', 'test/end-to-end/run-cli.ts'], /exports neither a default/],
  [
    'a throwing module',
    ['run', FAILING, '--', 'while building'],
    /RangeError: this argument is no/,
  ],
  ['collecting', ['run', FAILING, '--', 'with collectAsync'], /JOB_GRAPH_INVALID.*collectAsync/],
  [
    'a wrong program',
    ['run', FAILING, '--', 'with a bad parallelism'],
    /at failing .*failing\.test-job\.ts:\d+/,
  ],
];

for (const [what, args, message] of WRONG) {
  test.serial(`${what} is wrong usage: exit code 2, on the standard error`, async (t) => {
    const { code, stdout, stderr } = await runCli(...args);
    t.deepEqual([code, stdout], [2, '']);
    t.regex(stderr, message);
  });
}

test.serial('wrong usage with --json is an object too', async (t) => {
  const [option, key] = await Promise.all([
    runCli('run', COUNTING, '--json', '--nope'),
    runCli('run', COUNTING, '--json', '-D', 'no.such=1'),
  ]);
  t.deepEqual([option.code, option.stderr, key.code, key.stderr], [2, '', 2, '']);
  t.like(lastLine(option.stdout), { status: 'invalid', error: { code: 'ILLEGAL_ARGUMENT' } });
  t.like(lastLine(key.stdout), { status: 'invalid', error: { code: 'CONFIG_INVALID' } });
});

test.serial('--dump-chains writes the source of each loop', async (t) => {
  using folder = temporaryFolder();
  const dump = join(folder.path, 'chains');
  const { code } = await runCli('run', COUNTING, '--dump-chains', dump, ...INLINE);
  t.is(code, 0);
  const files = readdirSync(dump);
  t.true(files.length > 0);
  const sources = files.map((name) => readFileSync(join(dump, name), 'utf8'));
  t.true(sources.every((source) => source.startsWith('// Source: Sequence Source')));
  t.true(
    sources.some((source) => /\n {2,}\S/.test(source)),
    'it is indented',
  );
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`${signal} cancels the job within a second and leaves nothing`, async (t) => {
    using folder = temporaryFolder();
    const out = join(folder.path, 'out');
    const running = startCli('run', ENDLESS, '--parallelism', '2', '--', out);
    await running.outputOf(1);
    const startMs = performance.now();
    running.child.kill(signal);
    // What npm does, too: it passes on a Ctrl-C that the terminal has sent to both.
    running.child.kill(signal);
    const { code, stderr } = await running.ended;
    const tookMs = performance.now() - startMs;
    t.deepEqual([code, stderr], [130, 'canceled\n']);
    t.true(tookMs < 1000, `it took ${tookMs} ms`);
    t.deepEqual(existsSync(out) ? readdirSync(out) : [], []);
  });
}

test.serial(
  'a terminal shows one line while the job runs and nothing of it at the end',
  async (t) => {
    const counting = [process.execPath, MAIN, 'run', COUNTING, '--', '20000'].join(' ');
    // The size of a terminal that is made for a command without one is anybody's guess.
    const run = `stty cols 80 rows 24; ${counting}`;
    let screen: string;
    try {
      ({ stdout: screen } = await promisify(execFile)('script', ['-qec', run, '/dev/null'], {
        cwd: ROOT,
        env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
      }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      t.log('skipped: there is no script command (util-linux) to make a terminal with');
      t.pass();
      return;
    }
    // Small figures fit with their words, larger ones in the short form.
    const line =
      /\r\x1b\[2K[\d.]+( [kM])?( records)?\/s {2}[\d.]+( [kM])? (in|total) {2}(wm|watermark) none/;
    t.regex(screen, line);
    t.regex(screen, /backpressure \d+% {2}late 0 {2}dead( letters)? 0\r\x1b\[2K/);
    t.regex(screen, /(\n|\x1b\[2K)finished counting/);
    t.notRegex(screen, /\x1b\[\d*m/, 'NO_COLOR');
    const lines = screen.split('\n').filter((line) => line.includes('n> '));
    t.is(lines.length, 20_000);
    t.true(
      lines.every((line) => /(^|\x1b\[2K)n> \d+\r$/.test(line)),
      'printed lines stand alone',
    );
  },
);
