/**
 * Builds `dist`: declarations of `src` and `native-free` by the compiler, and the JavaScript of the
 * entry points by esbuild, which joins their modules into few files. Each thread of a job loads
 * them anew, and two hundred small files take several times as long as twenty.
 *
 * Invariants:
 * 1. Nothing of an earlier build is left.
 * 2. A module is in one file only: entry points share its classes and registries.
 * 3. Shared files lie beside `src/index.js`, so `./worker-main` is found from wherever the code of
 *    `src/index.ts` went.
 * 4. Class names and lines are kept: stacks and profiles stay readable.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY_POINTS = [
  'src/{index,worker-main}.ts',
  'native-free/{index,worker-main}.ts',
  'src/testing/index.ts',
  'src/runtime/ring/index.ts',
  'src/connectors/*/index.ts',
  'src/cli/main.ts',
];

/**
 * Builds into `outDir` (default `dist`); throws, with the compiler's output shown, if that fails.
 */
export async function build(outDir: string = join(ROOT, 'dist')): Promise<void> {
  rmSync(outDir, { recursive: true, force: true });
  declare(outDir);
  await bundle(outDir);
}

/** Checks the types, and writes the declarations. */
function declare(outDir: string): void {
  const compiler = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  const args = [compiler, '-p', '.tsconfig.build.json', '--outDir', outDir];
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Writes the JavaScript of the entry points and, for benchmarks of what users get, of `others`. */
export async function bundle(outDir: string, others: readonly string[] = []): Promise<void> {
  const { outputFiles } = await esbuild({
    absWorkingDir: ROOT,
    entryPoints: globSync([...ENTRY_POINTS, ...others], { cwd: ROOT }),
    outdir: outDir,
    outbase: '.',
    chunkNames: 'src/shared-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    sourcemap: true,
    // An import for its registrations alone is no dead code here, whatever package.json tells users.
    ignoreAnnotations: true,
    logLevel: 'warning',
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.endsWith('.js') ? withClassNames(withNodeModulesByCall(text)) : text);
  }
}

/**
 * Gets Node's own modules by call. An import of `node:fs` or `node:util` evaluates all that they
 * export, lazy or not: together 10 ms in every thread. Lines stay where they were.
 */
function withNodeModulesByCall(text: string): string {
  const imports = /^import (?:\* as )?([\w$]+|\{[^}]*\}) from "(node:[\w/]+)";$/gm;
  return text.replace(imports, (_, names: string, module: string) => {
    const pattern = names.replaceAll(/ as /g, ': ');
    return `const ${pattern} = process.getBuiltinModule("${module}");`;
  });
}

/**
 * Names a class that mentions itself as its source does: esbuild writes `var A = class _A`. Its
 * own remedy, `keepNames`, is a call per function and costs 5 ms in every thread.
 */
function withClassNames(text: string): string {
  const renamed = [...text.matchAll(/^var (\w+) = class _\1 /gm)].map(([, name]) => name);
  if (renamed.length === 0) return text;
  return text.replace(new RegExp(`\\b_(${renamed.join('|')})\\b`, 'g'), '$1');
}

if (import.meta.main) await build();
