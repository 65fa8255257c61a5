/**
 * Style as a test: layers, the Environment's monopoly, the data plane's banned words,
 * documentation, words, leftovers, dead files, sizes. The checks lie in `tidy/`; each is shown to
 * fail on a bad snippet as well as to pass on the tree.
 */
import test, { type ExecutionContext } from 'ava';
import { checkDataPlane, isDataPlane } from './tidy/data-plane.ts';
import { checkDocumentation } from './tidy/documentation.ts';
import { checkEnvironment } from './tidy/environment.ts';
import { checkLayers } from './tidy/layers.ts';
import { checkDeadFiles, checkNativeFree } from './tidy/reachability.ts';
import { longFiles, longFunctions, longLines } from './tidy/sizes.ts';
import { type Finding, parse, readSourceFiles, type SourceFile } from './tidy/source-file.ts';
import { checkSyntax, checkThreads } from './tidy/syntax.ts';
import { checkWords } from './tidy/words.ts';

const ENTRY_POINTS = [
  'src/index.ts',
  'native-free/index.ts',
  'src/testing/index.ts',
  'src/runtime/ring/index.ts',
];
const NATIVE_FREE = 'native-free/index.ts';
const NATIVE_FREE_WORKER = 'native-free/worker-main.ts';

/** Fewer files than this and the checks have looked in the wrong place. */
const FILES_MIN = 60;

/** Files longer than 500 lines (tests 1,000): how long they may be. Numbers only go down. */
const LONG_FILES: Readonly<Record<string, number>> = {};
/**
 * Functions longer than 70 lines in a file: how many lines its longest may have. Numbers only go
 * down.
 */
const LONG_FUNCTIONS: Readonly<Record<string, number>> = {};
/** Lines of more than 100 columns in the whole tree. The number only goes down. */
const LONG_LINES_MAX = 200;

const files = readSourceFiles();

test('the checks read the tree', (t) => {
  t.true(files.length > FILES_MIN, `only ${files.length} files read`);
  t.true(files.some(({ path }) => path === 'src/base/environment.ts'));
  t.true(
    files.some(({ text }) => isDataPlane(text)),
    'no data-plane file found',
  );
  t.true(files.flatMap(({ imports }) => imports).length > files.length);
});

test('imports go downward', (t) => {
  expectNone(t, checkLayers(files));
});

test('nothing but the real Environment touches the world', (t) => {
  expectNone(t, checkEnvironment(files));
});

test('threads are started in one place', (t) => {
  expectNone(t, checkThreads(files));
});

test('data-plane files keep to their words', (t) => {
  expectNone(t, checkDataPlane(files));
});

test('every public name has a comment', (t) => {
  expectNone(t, checkDocumentation(files, ENTRY_POINTS));
});

test('no leftovers, default exports, enums or tests switched off', (t) => {
  expectNone(t, checkSyntax(files));
});

test('identifiers use our words', (t) => {
  expectNone(t, checkWords(files));
});

test('native-free reaches no package and no addon', (t) => {
  for (const entryPoint of [NATIVE_FREE, NATIVE_FREE_WORKER]) {
    t.true(files.some(({ path }) => path === entryPoint));
    expectNone(t, checkNativeFree(files, entryPoint));
  }
});

test('every file is imported by something that is no test', (t) => {
  expectNone(t, checkDeadFiles(files));
});

test('what is too long does not grow', (t) => {
  const tooLong = longFiles(files).filter(({ path, line }) => line > (LONG_FILES[path] ?? 0));
  const functions = longFunctions(files).filter(
    ({ path, message }) => Number(/\d+/.exec(message)?.[0]) > (LONG_FUNCTIONS[path] ?? 0),
  );
  const lines = longLines(files);
  t.log(`${files.length} files, ${lines.length} lines of more than 100 columns`);
  for (const [path, count] of mostFrequent(lines)) t.log(`  ${count} in ${path}`);
  t.true(lines.length <= LONG_LINES_MAX, `${lines.length} long lines > ${LONG_LINES_MAX}`);
  expectNone(t, [...tooLong, ...functions]);
});

interface Bad {
  readonly check: (files: readonly SourceFile[]) => readonly Finding[];
  readonly path: string;
  readonly text: string;
  /** A part of the message. */
  readonly says: string;
}

const DATA = '/** @dataplane x */\n';

const BAD: readonly Bad[] = [
  bad(checkLayers, 'src/base/x.ts', "import { a } from '../types/a.ts';", 'base may not import'),
  bad(checkLayers, 'src/base/x.ts', "import type { a } from '../job/a.ts';", 'base may not'),
  bad(checkLayers, 'src/graph/x.ts', "export * from '../runtime/a.ts';", 'graph may not'),
  bad(checkLayers, 'src/api/x.ts', "type A = import('../job/a.ts').A;", 'api may not'),
  bad(checkLayers, 'src/api/x.ts', "const a = await import('../job/a.ts');", 'api may not'),
  bad(checkLayers, 'src/base/x.ts', "import 'lodash';", 'no owner'),
  bad(checkLayers, 'src/base/x.ts', "import 'piscina';", 'belongs to'),
  bad(checkLayers, 'src/operators/x.ts', "import '../state/heap/x.ts';", 'no backend'),
  bad(checkLayers, 'src/connectors/a/x.ts', "import '../b/y.ts';", 'each other'),
  bad(checkLayers, 'src/connectors/a/x.ts', "import '../../runtime/y.ts';", 'connectors may not'),
  bad(checkLayers, 'src/examples/x.ts', "import '../job/y.ts';", 'public entry points'),
  bad(checkLayers, 'src/other/x.ts', "import '../job/y.ts';", 'no folder of the layout'),
  bad(checkLayers, 'src/job/x.ts', "import './y.test.ts';", 'product code imports'),
  bad(checkEnvironment, 'src/job/x.ts', 'const a = Date.now();', 'Date.now'),
  bad(checkEnvironment, 'src/job/x.ts', 'const a = new Date();', 'new Date()'),
  bad(checkEnvironment, 'src/job/x.ts', 'const a = globalThis.performance.now();', 'performance'),
  bad(checkEnvironment, 'src/job/x.ts', 'setTimeout(() => {}, 1);', 'setTimeout'),
  bad(checkEnvironment, 'src/job/x.ts', 'const a = Math.random();', 'Math.random'),
  bad(checkEnvironment, 'src/job/x.ts', "import { readFileSync } from 'node:fs';", 'node:fs'),
  bad(checkEnvironment, 'src/job/x.ts', "const net = await import('node:net');", 'node:net'),
  bad(checkEnvironment, 'src/job/x.ts', "process.getBuiltinModule('node:fs');", 'node:fs'),
  bad(checkEnvironment, 'src/job/x.ts', 'process.exit();', 'process.exit'),
  bad(checkEnvironment, 'src/job/x.ts', 'Atomics.wait(a, 0, 0);', 'Atomics.wait'),
  bad(checkThreads, 'src/job/x.ts', 'new Worker(a);', 'new Worker('),
  bad(checkThreads, 'src/job/x.ts', "import { Piscina } from 'piscina';", 'piscina'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}function* f() {}`, 'generator'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}class A { *f() { yield 1; } }`, 'yield'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}async function f() { await 1; }`, 'await'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}function f() { try { g(); } finally { h(); } }`, 'try'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}function f(a) { g(...a); }`, 'spread'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}const f = (a) => ({ ...a });`, 'spread'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}function f(a) { for (const b of a) g(b); }`, 'for … of'),
  bad(checkDataPlane, 'src/a.ts', `${DATA}function f(a) { a.map((b) => b); }`, '.map('),
  bad(checkDataPlane, 'src/a.ts', `${DATA}function f() { return Promise.resolve(); }`, 'Promise'),
  bad(checkSyntax, 'src/a.ts', `// ${'TO'}DO later`, 'without an issue'),
  bad(checkSyntax, 'src/a.ts', `// ${'FIX'}ME`, 'FIXME'),
  bad(checkSyntax, 'src/a.test.ts', "test.only('a', f);", 'would not run'),
  bad(checkSyntax, 'src/a.test.ts', "test.serial.skip('a', f);", 'the reason'),
  bad(checkSyntax, 'src/a.ts', 'export default 1;', 'default export'),
  bad(checkSyntax, 'src/a.ts', 'export default function f() {}', 'default export'),
  bad(checkSyntax, 'src/a.ts', 'enum A { B }', 'enum'),
  bad(checkSyntax, 'src/a.ts', 'namespace A { export const b = 1; }', 'namespace'),
  bad(checkWords, 'src/a.ts', 'class RecordPipeline {}', 'pipeline'),
  bad(checkWords, 'src/a.ts', 'const mapProcessors = 1;', 'processor'),
  bad(checkWords, 'src/a.ts', 'const LANE_COUNT = 1;', 'column'),
  bad(checkWords, 'src/a.ts', 'const stage = 1;', 'ChainStage'),
  bad(checkDocs, 'src/index.ts', 'export function f(): void {}', "'f' has no"),
  bad(checkDocs, 'src/index.ts', '/** @internal */\nexport const a = 1, b = 2;', "'a' has no"),
  bad(checkNative, NATIVE_FREE, "import 'piscina';", "the package 'piscina'"),
  bad(checkNative, NATIVE_FREE, "export * from './addon.node';", 'addon.node'),
  bad(checkDeadFiles, 'src/base/x.ts', '', 'nothing but tests'),
  bad(longFiles, 'src/a.ts', '\n'.repeat(501), '501 lines'),
  bad(longFunctions, 'src/a.ts', `function f() {${'\ng();'.repeat(80)}\n}`, 'a function of'),
  bad(longLines, 'src/a.ts', 'x'.repeat(101), '101 columns'),
];

for (const { check, path, text, says } of BAD) {
  test(`refused: ${path}: ${text.slice(0, 70).replaceAll('\n', ' ')} — ${says}`, (t) => {
    // Twice, under another name, since some checks speak only when a thing is there twice.
    const found = check([parse(path, text), parse(path.replace('.ts', '2.ts'), text)]);
    t.true(
      found.some(({ message }) => message.includes(says)),
      JSON.stringify(found),
    );
  });
}

const GOOD: readonly Pick<Bad, 'check' | 'path' | 'text'>[] = [
  { check: checkLayers, path: 'src/types/x.ts', text: "import { a } from '../base/a.ts';" },
  { check: checkLayers, path: 'src/connectors/a/x.ts', text: "import '../common/y.ts';" },
  { check: checkLayers, path: 'src/cli/x.ts', text: "import '../job/y.ts';" },
  {
    check: checkEnvironment,
    path: 'src/a/x.ts',
    text: "// Date.now()\nconst a = 'Math.random()';",
  },
  { check: checkEnvironment, path: 'src/a/x.ts', text: "import type { S } from 'node:net';" },
  {
    check: checkEnvironment,
    path: 'src/a/x.ts',
    text: 'const a = new Date(5), b = my.Date.now();',
  },
  { check: checkEnvironment, path: 'src/a/x.ts', text: 'function f(process) { process.a(); }' },
  { check: checkEnvironment, path: 'src/a/x.ts', text: "process.getBuiltinModule('node:zlib');" },
  { check: checkEnvironment, path: 'src/base/real-environment.ts', text: 'Date.now();' },
  { check: checkDataPlane, path: 'src/a.ts', text: `${DATA}// try { await } \nfunction f() {}` },
  { check: checkDataPlane, path: 'src/a.ts', text: `${DATA}const all = [...one, ...two];` },
  { check: checkDataPlane, path: 'src/a.ts', text: 'function f(a) { for (const b of a) g(b); }' },
  {
    check: checkDataPlane,
    path: 'src/a.ts',
    text: `${DATA}/** @controlplane Once. */\nfunction f(a) { for (const b of a) g(b); }`,
  },
  { check: checkSyntax, path: 'src/examples/x.ts', text: 'export default () => {};' },
  { check: checkSyntax, path: 'src/a.test.ts', text: "test.skip('a (no disk here)', f);" },
  { check: checkWords, path: 'src/a.ts', text: 'function f(stage: ChainStage) {}' },
  { check: checkDocs, path: 'src/index.ts', text: '/** Does. */\nexport function f(): void {}' },
  { check: checkNative, path: NATIVE_FREE, text: "import 'node:fs'; import type { P } from 'p';" },
];

for (const { check, path, text } of GOOD) {
  test(`accepted: ${path}: ${text.slice(0, 70).replaceAll('\n', ' ')}`, (t) => {
    t.deepEqual(check([parse(path, text)]), []);
  });
}

test('documentation follows re-exports to the declaration', (t) => {
  const tree = [
    parse('src/index.ts', "export { a } from './a.ts';\nexport * from './b.ts';"),
    parse('src/a.ts', "import { c } from './c.ts';\nexport { c as a };"),
    parse('src/b.ts', 'export interface B {}'),
    parse('src/c.ts', 'export const c = 1;\nexport const hidden = 1;'),
  ];
  const names = checkDocs(tree).map(({ path, message }) => `${path} ${message.split(' ')[1]}`);
  t.deepEqual(names, ["src/c.ts 'c'", "src/b.ts 'B'"]);
});

test('native-free is followed through its imports', (t) => {
  const tree = [
    parse(NATIVE_FREE, "export { a } from '../src/a.ts';"),
    parse('src/a.ts', "const p = await import('piscina');"),
  ];
  t.is(checkNative(tree)[0]?.path, 'src/a.ts');
});

function checkDocs(tree: readonly SourceFile[]): readonly Finding[] {
  return checkDocumentation(tree, ENTRY_POINTS);
}

function checkNative(tree: readonly SourceFile[]): readonly Finding[] {
  return checkNativeFree(tree, NATIVE_FREE);
}

function bad(check: Bad['check'], path: string, text: string, says: string): Bad {
  return { check, path, text, says };
}

function expectNone(t: ExecutionContext, findings: readonly Finding[]): void {
  for (const { path, line, message } of findings) t.log(`${path}:${line} ${message}`);
  t.is(findings.length, 0, `${findings.length} findings`);
}

function mostFrequent(findings: readonly Finding[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { path } of findings) counts.set(path, (counts.get(path) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, 5);
}
