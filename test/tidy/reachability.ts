/** Who imports whom: files that nobody imports, and what `millrace/native-free` pulls in. */
import { posix } from 'node:path';
import ts from 'typescript';
import { type Finding, finding, isTestFile, type SourceFile, walk } from './source-file.ts';

/** Files that are started or imported from outside. */
const ROOTS =
  /^(src\/(index|worker-main)\.ts|src\/cli\/main\.ts|src\/examples\/.*|native-free\/(index|worker-main)\.ts|bench\/.*|test\/.*|src\/testing\/index\.ts|src\/runtime\/ring\/index\.ts|src\/connectors\/[^/]+\/index\.ts|.*\.(test|soak|test-[a-z-]+)\.ts)$/;

/** Helpers that only tests use, by their place. */
const TEST_HELPERS = /\/(testing|fixtures)\//;

/** Files that nothing but tests imports. */
export function checkDeadFiles(files: readonly SourceFile[]): readonly Finding[] {
  const imported = new Set<string>();
  for (const file of files) {
    if (isTestFile(file.path)) continue;
    for (const { path } of file.imports) if (path !== undefined) imported.add(path);
    for (const path of namedFiles(file)) imported.add(path);
  }
  return files
    .filter(({ path }) => !imported.has(path) && !ROOTS.test(path) && !TEST_HELPERS.test(path))
    .map(({ path }) => ({ path, line: 1, message: 'nothing but tests imports this file' }));
}

/** Files named by strings such as `new URL('./x.ts', import.meta.url)`. */
function namedFiles(file: SourceFile): readonly string[] {
  const paths: string[] = [];
  walk(file.tree, (node) => {
    if (!ts.isStringLiteralLike(node) || !/^\.{1,2}\/.*\.[jt]s$/.test(node.text)) return;
    const path = posix.join(posix.dirname(file.path), node.text);
    paths.push(path.replace(/\.js$/, '.ts'));
  });
  return paths;
}

/** Packages and native addons in the closure of an entry point's imports; types do not count. */
export function checkNativeFree(
  files: readonly SourceFile[],
  entryPoint: string,
): readonly Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const findings: Finding[] = [];
  const reached = new Set([entryPoint]);
  for (const path of reached) {
    const file = byPath.get(path);
    for (const { specifier, path: target, isTypeOnly, node } of file?.imports ?? []) {
      if (isTypeOnly || file === undefined) continue;
      if (target !== undefined) reached.add(target);
      const isForeign = target === undefined && !specifier.startsWith('node:');
      if (!isForeign && !specifier.endsWith('.node')) continue;
      findings.push(finding(file, node, `${entryPoint} reaches the package '${specifier}'`));
    }
  }
  return findings;
}
