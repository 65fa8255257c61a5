/**
 * The world is reached through the Environment: who names clock, random numbers, timers, disk or
 * network else.
 */
import ts from 'typescript';
import { type Finding, finding, isTestFile, type SourceFile, walk } from './source-file.ts';

/** Modules that reach the world. */
const WORLD_MODULES = new Set(
  ['fs', 'fs/promises', 'net', 'tls', 'dgram', 'dns', 'dns/promises', 'http', 'https', 'http2']
    .concat([
      'timers',
      'timers/promises',
      'child_process',
      'cluster',
      'readline',
      'repl',
      'perf_hooks',
    ])
    .flatMap((name) => [name, `node:${name}`]),
);

/** `object.property` that reaches the world; `*` for every property. */
const WORLD_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  Date: ['now'],
  Math: ['random'],
  performance: ['*'],
  crypto: ['*'],
  process: ['*'],
  console: ['*'],
  Atomics: ['wait', 'waitAsync'],
};

const WORLD_FUNCTIONS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'fetch']);

interface Exemption {
  readonly path: RegExp;
  /** Names of the catalogues above. */
  readonly names: readonly string[];
  readonly reason: string;
}

/** Who may, and why. */
const EXEMPTIONS: readonly Exemption[] = [
  {
    path: /^src\/base\/(real-environment|local-http)\.ts$/,
    names: ['*'],
    reason: 'they are the Environment',
  },
  { path: /^src\/cli\//, names: ['process', 'console'], reason: 'the terminal is its business' },
  { path: /^src\/examples\//, names: ['process', 'console'], reason: "it is a user's program" },
  {
    path: /^src\/connectors\/print\/standard-output\.ts$/,
    names: ['process'],
    reason: 'the print sink writes to the standard output unless it is given another',
  },
  {
    path: /^src\/runtime\/(ring|worker)\//,
    names: ['Atomics'],
    reason: 'the doorbell sleeps on shared memory; inline and simulated runs never do',
  },
  {
    path: /^src\/testing\/simulation\/stray-rejections\.ts$/,
    names: ['process'],
    reason: 'rejections of dead simulated processes have no other place to be caught',
  },
  {
    path: /^src\/(index|worker-main)\.ts$/,
    names: ['process'],
    reason: 'composition roots read environment variables and exit codes',
  },
];

/** Uses of the world outside the one file that may. */
export function checkEnvironment(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter((file) => !isExempt(file.path)).flatMap(checkFile);
}

function isExempt(path: string): boolean {
  return isTestFile(path) || path.startsWith('bench/');
}

function checkFile(file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  const complain = (node: ts.Node, name: string, shown: string): void => {
    if (isAllowed(file.path, name)) return;
    findings.push(finding(file, node, `${shown}: go through the Environment`));
  };
  for (const { specifier, isTypeOnly, node } of file.imports) {
    if (WORLD_MODULES.has(specifier) && !isTypeOnly) complain(node, specifier, specifier);
  }
  const locals = declaredNames(file.tree);
  walk(file.tree, (node) => {
    const use = worldUse(node);
    if (use !== undefined && !locals.has(use.name)) complain(node, use.name, use.shown);
  });
  return findings;
}

/** Names that a file gives to things of its own, such as a parameter called `process`. */
function declaredNames(tree: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  walk(tree, (node) => {
    const isDeclaration =
      ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node);
    if (isDeclaration && node.name !== undefined) names.add(node.name.getText(tree));
  });
  return names;
}

function worldUse(node: ts.Node): { name: string; shown: string } | undefined {
  if (ts.isNewExpression(node) && isNamed(node.expression, 'Date')) {
    return (node.arguments?.length ?? 0) === 0 ? { name: 'Date', shown: 'new Date()' } : undefined;
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const name = node.expression.text;
    if (name === 'Date') return { name, shown: 'Date()' };
    return WORLD_FUNCTIONS.has(name) ? { name, shown: name } : undefined;
  }
  if (!ts.isPropertyAccessExpression(node)) return undefined;
  const root = rootOf(node.expression);
  if (!ts.isIdentifier(root) || node.name.text === 'getBuiltinModule') return undefined;
  const name = root.text;
  const properties = Object.hasOwn(WORLD_PROPERTIES, name) ? WORLD_PROPERTIES[name] : undefined;
  if (properties?.includes('*') !== true && properties?.includes(node.name.text) !== true) {
    return undefined;
  }
  return { name, shown: `${name}.${node.name.text}` };
}

/** `x` of `x` and of `globalThis.x`. */
function rootOf(node: ts.Expression): ts.Node {
  if (ts.isPropertyAccessExpression(node) && isNamed(node.expression, 'globalThis')) {
    return node.name;
  }
  return node;
}

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

function isAllowed(path: string, name: string): boolean {
  return EXEMPTIONS.some(
    (entry) => entry.path.test(path) && (entry.names.includes('*') || entry.names.includes(name)),
  );
}
