/**
 * The package as users get it: built, packed, installed into an empty folder, run from JavaScript.
 *
 * The tarball's dependencies come from npm's cache where they are there, else from the registry.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

/** A folder with the tarball's content in `package/` and an installation of it in `app/`. */
let folder = '';

test.before('build, pack, install', async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  const unpacked = join(folder, 'package');
  mkdirSync(unpacked);
  await build(join(unpacked, 'dist'));
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    if (existsSync(join(ROOT, name)))
      writeFileSync(join(unpacked, name), readFileSync(join(ROOT, name)));
  }
  const tarball = npm(unpacked, 'pack', '--ignore-scripts', '--pack-destination', folder).trim();
  const app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
  npm(
    app,
    'install',
    '--omit=optional',
    '--omit=peer',
    '--prefer-offline',
    `../${tarball.split('\n').at(-1)}`,
  );
});

test.after.always('remove the folder', () => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

test('publint has nothing to say', async (t) => {
  const { messages, pkg } = await publint({ pkgDir: join(folder, 'package'), strict: true });
  for (const message of messages) t.log(formatMessage(message, pkg));
  t.is(messages.length, 0);
});

test('the tarball holds what is exported, and no tests, examples or sources', (t) => {
  const installed = join(folder, 'app/node_modules/millrace');
  for (const target of targets())
    t.true(existsSync(join(installed, target)), `${target} is missing`);
  const listed = npm(join(folder, 'package'), 'pack', '--ignore-scripts', '--dry-run', '--json');
  const [{ files }] = JSON.parse(listed) as [{ files: readonly { path: string }[] }];
  const unwanted = files.filter(({ path }) =>
    /\.test[.-]|examples\/|(?<!\.d)\.ts$|^test\//.test(path),
  );
  t.deepEqual(unwanted, []);
  t.true(files.length > 10);
});

test('every dependency of the installation is declared', (t) => {
  const installed = join(folder, 'app/node_modules');
  for (const name of Object.keys(manifest.dependencies))
    t.true(existsSync(join(installed, name)), name);
  t.false(existsSync(join(installed, 'ava')));
});

test('every entry point can be imported from JavaScript', (t) => {
  const specifiers = Object.keys(manifest.exports)
    .filter((key) => !key.includes('*') && key !== './package.json')
    .map((key) => key.replace('.', 'millrace'));
  const program = `
    for (const name of ${JSON.stringify(specifiers)}) {
      const module = await import(name);
      console.log(name, Object.keys(module).length > 0);
    }`;
  t.is(runProgram('entries.js', program), specifiers.map((name) => `${name} true\n`).join(''));
});

test('the command line prints its help', (t) => {
  const command = join(folder, 'app/node_modules/.bin/millrace');
  t.regex(runNode(join(folder, 'app'), command, '--help'), /run/);
});

test('a job runs inline from JavaScript', (t) => {
  const program = `
    import { StreamExecutionEnvironment } from 'millrace';
    await using env = StreamExecutionEnvironment.getExecutionEnvironment();
    const sevens = env.fromSequence(1, 1000).filter((n) => n % 7 === 0);
    let sum = 0;
    for await (const n of sevens.executeAndCollect()) sum += n;
    console.log(sum);`;
  t.is(runProgram('inline.js', program), '71071\n');
});

for (const entryPoint of ['millrace', 'millrace/native-free']) {
  test(`${entryPoint} runs a job module on two workers`, (t) => {
    const job = `
      import { WatermarkStrategy } from '${entryPoint}';
      export default (env) => {
        env
          .fromSequence(1, 1000)
          .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps())
          .map((n) => ({ key: n % 10, n, notes: { odd: n % 2 === 1 } }))
          .keyBy((row) => row.key)
          .map(({ n, notes }) => (notes.odd ? n : 0))
          .collectAsync('odd');
      };`;
    writeFileSync(join(folder, 'app/odd.js'), job);
    const program = `
      import { executeJobModule } from '${entryPoint}';
      await using job = await executeJobModule(new URL('./odd.js', import.meta.url), {
        executor: 'workers', parallelism: 2,
      });
      let sum = 0;
      for await (const n of job.collected('odd')) sum += n;
      console.log(sum);`;
    t.is(runProgram('workers.js', program), '250000\n');
  });
}

test('entry points share their classes and registries', (t) => {
  const program = `
    import { MillraceError, StreamExecutionEnvironment } from 'millrace';
    import * as nativeFree from 'millrace/native-free';
    import { runSimulated } from 'millrace/testing';
    import { dataGeneratorSource } from 'millrace/connectors/datagen';
    console.log(MillraceError === nativeFree.MillraceError);
    console.log(StreamExecutionEnvironment === nativeFree.StreamExecutionEnvironment);
    try {
      dataGeneratorSource({ generator: (n) => n, count: -1 });
    } catch (error) {
      console.log(error instanceof MillraceError);
    }`;
  t.is(runProgram('shared.js', program), 'true\ntrue\ntrue\n');
});

test('no class has another name than its source gives it', (t) => {
  const program = `
    import * as millrace from 'millrace';
    for (const [name, value] of Object.entries(millrace)) {
      if (typeof value === 'function' && value.name !== name) console.log(name, value.name);
    }`;
  t.is(runProgram('names.js', program), '');
});

test('stacks and generated code name the sources', (t) => {
  const program = `
    import { StreamExecutionEnvironment } from 'millrace';
    await using env = StreamExecutionEnvironment.getExecutionEnvironment();
    const numbers = env.fromSequence(1, 3).map((n) => { if (n === 2) throw new Error('two'); return n; });
    try {
      for await (const n of numbers.executeAndCollect());
    } catch (error) {
      console.log(error.stack.includes('task-failure.ts:'));
    }`;
  const app = join(folder, 'app');
  writeFileSync(join(app, 'stack.js'), program);
  t.is(runNode(app, '--enable-source-maps', 'stack.js'), 'true\n');
});

test('the command line runs a job on two workers', (t) => {
  const app = join(folder, 'app');
  const job = `
    export default (env) => {
      env.fromSequence(1, 1000).keyBy((n) => n % 10).map((n) => n * 2).print();
    };`;
  writeFileSync(join(app, 'job.js'), job);
  const command = join(app, 'node_modules/.bin/millrace');
  const options = ['--parallelism', '2', '--executor', 'workers'];
  const output = runNode(app, command, 'run', 'job.js', ...options);
  // A line is `n` or, as printed by several subtasks, `subtask> n`; the summary has other lines.
  const printed = [...output.matchAll(/^(?:\d+> )?(\d+)$/gm)].map(([, digits]) => Number(digits));
  const expected = Array.from({ length: 1000 }, (_, index) => (index + 1) * 2);
  t.deepEqual(
    printed.sort((a, b) => a - b),
    expected,
  );
});

/** The files that package.json promises; a pattern stands for its folder. */
function targets(): readonly string[] {
  const exported = Object.values(manifest.exports).map((target) =>
    typeof target === 'string' ? target : target.default,
  );
  return [...exported, ...Object.values(manifest.bin)].map((target) =>
    target.includes('*') ? dirname(target.slice(0, target.indexOf('*') + 1)) : target,
  );
}

function runProgram(name: string, text: string): string {
  const app = join(folder, 'app');
  writeFileSync(join(app, name), text);
  return runNode(app, name);
}

/** Runs under the Node that runs this test, the pinned one. */
function runNode(cwd: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000 });
}

function npm(cwd: string, ...args: readonly string[]): string {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  return execFileSync('npm', [...args, ...quiet], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 110_000,
  });
}
