/**
 * The documents are true: examples have the right types, run and print what they say, tables are
 * complete, commands and links lead somewhere.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ERROR_CODES } from '../src/base/errors.ts';
import {
  configurationKeys,
  configurationWith,
  defaultConfiguration,
  type PipelineConfiguration,
} from '../src/graph/configuration.ts';
import { blocksOf, codeBlocks, codeIn, tableRows } from './docs/code-blocks.ts';
import { ExampleFolder } from './docs/example-folder.ts';
import {
  entryPoints,
  importableNames,
  isSelfContained,
  programOf,
  tsdocExamples,
} from './docs/tsdoc-examples.ts';
import { readSourceFiles } from './tidy/source-file.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIRST_JOB_LINES_MAX = 15;
const COLUMNS_MAX = 100;
/** At the start of a line or behind a backtick, and behind `&&`. */
const NPM_COMMAND = /(?:^|`|&& )(npm (?:run )?(\w[\w:-]*))/gm;

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const documents = globSync('{*.md,src/**/*.md,bench/**/*.md}', { cwd: ROOT }).sort();
const blocks = documents.flatMap(codeBlocks);
const programs = blocks.filter(({ language }) => language === 'ts');
const runnable = programs.filter(
  ({ fileName, text }) => fileName !== undefined && !/^export default/m.test(text),
);

const files = readSourceFiles();
const entries = entryPoints(files);
const examples = tsdocExamples(files, entries).map((example, index) => ({
  ...example,
  fileName: `tsdoc-${index}.ts`,
}));

let folder: ExampleFolder;

test.before('write the examples', () => {
  folder = new ExampleFolder();
  for (const [index, { fileName, language, text }] of blocks.entries()) {
    if (fileName !== undefined) folder.write(fileName, text);
    else if (language === 'ts') folder.write(`block-${index}.ts`, text);
  }
  const importable = importableNames(files, entries);
  for (const example of examples) folder.write(example.fileName, programOf(example, importable));
});

test.after.always('remove the folder', () => folder?.remove());

test('the documents have examples, each file name once', (t) => {
  t.true(runnable.length >= 8, `${runnable.length} examples run`);
  t.true(examples.length >= 20, `${examples.length} examples in comments`);
  const names = blocks.flatMap(({ fileName }) => fileName ?? []);
  t.deepEqual(names, [...new Set(names)]);
});

test('the first job fits on a screen', (t) => {
  const [first] = codeBlocks('README.md').filter(({ language }) => language === 'ts');
  const lines =
    first?.text
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '') ?? [];
  t.true(lines.length > 5 && lines.length <= FIRST_JOB_LINES_MAX, `${lines.length} lines`);
  t.true((first?.line ?? 0) < 25, 'it stands at the top');
  t.not(first?.output, undefined, 'it shows what it prints');
});

test('examples keep to 100 columns', (t) => {
  for (const { document, line, text } of programs) {
    const long = text.split('\n').filter((each) => each.length > COLUMNS_MAX);
    t.deepEqual(long, [], `${document}:${line}`);
  }
});

test.serial('every example has the right types', async (t) => {
  const found = await folder.check();
  const where = (file: string): string =>
    examples.find(({ fileName }) => fileName === file)?.where ?? file;
  t.deepEqual(
    found.map(({ file, line, message }) => `${where(file)}:${line} ${message}`),
    [],
  );
});

for (const { document, line, fileName = '', output } of runnable) {
  test.serial(`${document}:${line} ${fileName} runs`, async (t) => {
    const run = await folder.run(fileName);
    t.is(run.exitCode, 0, run.errors);
    if (output !== undefined) t.is(run.output, output);
  });
}

test.serial('self-contained examples of comments run', async (t) => {
  const names = examples
    .filter((example) => isSelfContained(example) && !example.text.includes('./job.ts'))
    .map(({ fileName }) => fileName);
  t.true(names.length >= 5);
  const imports = names.map((name) => `await (await import('./${name}')).example();`);
  folder.write('run-all.mjs', imports.join('\n'));
  const run = await folder.run('run-all.mjs');
  t.is(run.exitCode, 0, run.errors);
});

const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, ''))
  .filter((line) => line.startsWith('millrace '));

for (const command of commands) {
  test.serial(`\`${command}\` runs`, async (t) => {
    const args = command.split(' ').slice(1);
    const run = await folder.run(join(ROOT, 'src/cli/main.ts'), ...args);
    t.is(run.exitCode, 0, run.errors);
  });
}

test('npm commands exist', (t) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    for (const [, command = '', name = ''] of text.matchAll(NPM_COMMAND)) {
      const isOfNpm = /^npm (ci|install|pack|i|publish)$/.test(command);
      t.true(isOfNpm || name in manifest.scripts, `${document}: ${command}`);
    }
  }
});

test('links lead to files and headings', (t) => {
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? document : posix.join(dirname(document), path);
      t.true(existsSync(join(ROOT, linked)), `${document} → ${target}`);
      const isFound = anchor === undefined || anchors(linked).includes(anchor);
      t.true(isFound, `${document} → ${target}`);
    }
  }
});

test('the table of options has every key with its default', (t) => {
  const rows = tableRows(readme, '## Configuration');
  t.deepEqual(
    rows.map(([key]) => codeIn(key)),
    configurationKeys,
  );
  for (const [key, shown] of rows) {
    t.is(codeIn(shown), defaultText(codeIn(key) ?? ''), `the default of ${key}`);
  }
});

test('the table of errors has every code with its text', (t) => {
  const rows = tableRows(readme, '## Errors');
  t.deepEqual(
    rows.map(([code, text]) => [codeIn(code), text]),
    Object.entries(ERROR_CODES),
  );
});

test('the README names every entry point', (t) => {
  const inner = ['millrace/connectors/common', 'millrace/connectors/collection'];
  const named = [...entries.keys()].filter((name) => !inner.includes(name));
  const viaEnvironment = /connectors\/(sequence|async-iterable|print)$/;
  for (const name of named) t.true(viaEnvironment.test(name) || readme.includes(name), name);
});

test('blocks and tables are read as they stand', (t) => {
  const markdown = '# a\n```ts x.ts\n1;\n```\n\n```text\n1\n```\n\n```sh\nls\n```\n';
  const [first, , last] = blocksOf('a.md', markdown);
  t.like(first, { line: 2, language: 'ts', fileName: 'x.ts', text: '1;\n', output: '1\n' });
  t.like(last, { line: 10, language: 'sh', fileName: undefined, output: undefined });
  t.deepEqual(tableRows('\n## B\n\n| a | b |\n|---|---|\n| `x` | y \\| z |\n', '## B'), [
    ['`x`', 'y | z'],
  ]);
});

/** What a table says of an option's default: undefined if there is no fixed one. */
function defaultText(key: string): string | undefined {
  const strategy = /^restart-strategy\.([\w-]+)\./.exec(key)?.[1];
  const chosen = strategy === undefined ? {} : { 'restart-strategy.type': strategy };
  const base = configurationWith(defaultConfiguration, chosen);
  const [option, value] = changedOption(base, key);
  if (value === undefined || value === 'default') return undefined;
  if (value === Number.POSITIVE_INFINITY) return 'infinite';
  return option.endsWith('Ms') ? `${value} ms` : String(value);
}

const SAMPLES =
  '3,7777 ms,false,true,8192,131072,workers,a-folder,rocksdb,at-least-once,delete-on-cancellation,' +
  'claim,none,512MB,0.5';

/** The option that a key sets, with its value in `base`: the one that changes when the key is given. */
function changedOption(base: PipelineConfiguration, key: string): readonly [string, unknown] {
  const before = optionsOf(base);
  for (const text of SAMPLES.split(',')) {
    try {
      const after = optionsOf(configurationWith(base, { [key]: text }));
      const found = [...after.keys()].find((name) => after.get(name) !== before.get(name));
      if (found !== undefined) return [found, before.get(found)];
    } catch {
      // Not a value of this option: the next one may be.
    }
  }
  // An option with one value sets nothing.
  if (isAccepted(base, key, '1')) return [key, '1'];
  throw new Error(`no sample value fits option ${key}: add one`);
}

function isAccepted(base: PipelineConfiguration, key: string, text: string): boolean {
  try {
    configurationWith(base, { [key]: text });
    return true;
  } catch {
    return false;
  }
}

/** All options by name, those of groups as `group.name`. */
function optionsOf(configuration: object, group = ''): ReadonlyMap<string, unknown> {
  const entries = Object.entries(configuration).flatMap(
    ([name, value]: [string, unknown]): (readonly [string, unknown])[] =>
      typeof value === 'object' && value !== null
        ? [...optionsOf(value, `${group}${name}.`)]
        : [[`${group}${name}`, value]],
  );
  return new Map(entries);
}

function anchors(document: string): readonly string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
