/**
 * Import directions: a folder imports only what its row names. The table is that of src/README.md.
 */
import { type Finding, finding, isTestFile, type SourceFile } from './source-file.ts';

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  types: ['base'],
  metrics: ['base'],
  functions: ['base', 'types'],
  graph: ['base', 'types', 'functions'],
  state: ['base', 'types', 'metrics', 'functions'],
  operators: ['base', 'types', 'metrics', 'functions', 'state'],
  api: ['base', 'types', 'functions', 'graph'],
  checkpoint: ['base', 'types', 'state', 'metrics'],
  runtime: ['base', 'types', 'metrics', 'functions', 'graph', 'operators', 'state', 'checkpoint'],
  sql: ['base', 'types', 'functions', 'graph', 'api', 'operators'],
  formats: ['base', 'types', 'functions'],
  connectors: ['base', 'types', 'metrics', 'functions', 'formats'],
  job: [
    'base',
    'types',
    'metrics',
    'functions',
    'graph',
    'state',
    'operators',
    'api',
    'checkpoint',
    'runtime',
  ],
  server: ['job', 'graph', 'metrics', 'base', 'types'],
  testing: [
    'base',
    'types',
    'metrics',
    'functions',
    'graph',
    'api',
    'operators',
    'state',
    'checkpoint',
    'runtime',
    'job',
  ],
};

/** Files and folders that put the parts together and may import anything. */
const COMPOSITION_ROOTS =
  /^(src\/(index|public|worker-main)\.ts$|src\/cli\/|native-free\/|bench\/)/;

/** What examples may import: what users can. */
export const ENTRY_POINTS: RegExp =
  /^(src\/index|native-free\/index|src\/testing\/index|src\/runtime\/ring\/index|src\/connectors\/[^/]+\/index)\.ts$/;

/** The frozen specs that operators are made from: the one thing of the graph that they know. */
const OPERATOR_SPECS = 'src/graph/operator-spec.ts';

/** Packages that one folder owns; nobody else imports them. */
const PACKAGE_OWNERS: Readonly<Record<string, RegExp>> = {
  piscina: /^src\/(runtime\/worker|job)\//,
  commander: /^src\/cli\//,
  '@msgpack/msgpack': /^src\/types\//,
  hyparquet: /^src\/(formats|connectors|examples)\//,
  'hyparquet-writer': /^src\/(formats|connectors)\//,
  '@harperfast/rocksdb-js-linux-x64-glibc': /^src\/state\/rocksdb\//,
};

/** Imports against the table, into another connector, or of a package that is not the folder's. */
export function checkLayers(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter((file) => !isTestFile(file.path)).flatMap(checkFile);
}

function checkFile(file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { specifier, path, node } of file.imports) {
    const complaint =
      path === undefined ? packageComplaint(file.path, specifier) : pathComplaint(file.path, path);
    if (complaint !== undefined) findings.push(finding(file, node, complaint));
  }
  return findings;
}

function packageComplaint(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:') || from.startsWith('bench/')) return undefined;
  if (from.startsWith('src/examples/') && /^millrace(\/|$)/.test(specifier)) return undefined;
  const owner = PACKAGE_OWNERS[specifier];
  if (owner === undefined) return `package '${specifier}' has no owner in test/tidy/layers.ts`;
  return owner.test(from) ? undefined : `package '${specifier}' belongs to ${owner}`;
}

function pathComplaint(from: string, to: string): string | undefined {
  if (COMPOSITION_ROOTS.test(from)) return undefined;
  if (isTestFile(to)) return `product code imports the test ${to}`;
  const fromFolder = folderOf(from);
  const toFolder = folderOf(to);
  if (fromFolder === 'examples') {
    return ENTRY_POINTS.test(to) || toFolder === 'examples'
      ? undefined
      : `examples import public entry points only, not ${to}`;
  }
  if (fromFolder === undefined) return `${from} lies in no folder of the layout`;
  if (fromFolder === toFolder) return insideComplaint(from, to);
  const isDriver = from.startsWith('src/operators/testing/');
  if (fromFolder === 'operators' && !isDriver && /^src\/state\/(heap|rocksdb)\//.test(to)) {
    return `operators see the state tables and contracts, no backend: ${to}`;
  }
  if (fromFolder === 'operators' && to === OPERATOR_SPECS) return undefined;
  const allowed = MAY_IMPORT[fromFolder] ?? [];
  return allowed.includes(toFolder ?? '') ? undefined : `${fromFolder} may not import ${to}`;
}

/** Connectors and formats do not know each other, but for what they keep in `common`. */
function insideComplaint(from: string, to: string): string | undefined {
  const [, folder, fromUnit, ...fromRest] = from.split('/');
  const [, , toUnit, ...toRest] = to.split('/');
  if (folder !== 'connectors' || fromRest.length === 0 || toRest.length === 0) return undefined;
  if (fromUnit === toUnit || toUnit === 'common') return undefined;
  return `connectors do not import each other: ${to}`;
}

function folderOf(path: string): string | undefined {
  const [top, folder, rest] = path.split('/');
  if (top !== 'src' || folder === undefined || rest === undefined) return undefined;
  return folder in MAY_IMPORT || ['cli', 'examples'].includes(folder) ? folder : undefined;
}
