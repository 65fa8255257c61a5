/**
 * The engine and the bench as plain JavaScript, for figures that stripping types at start would spoil: start-up and memory.
 *
 * Invariant: the build lies outside of the repository and is made anew by each process that asks for it.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './bench.ts';
import { runChild } from './child.ts';

let building: Promise<string> | undefined;

/** The URL of the JavaScript that a module of the bench, named from its folder, was built to. */
export async function builtModule(path: string): Promise<URL> {
  building ??= build();
  const folder = await building;
  return pathToFileURL(join(folder, 'bench', path.replace(/\.ts$/, '.js')));
}

async function build(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const project = join(folder, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: false,
    isolatedDeclarations: false,
    sourceMap: false,
  };
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        ...compilerOptions,
        declarationMap: false,
        rootDir: ROOT,
        outDir: folder,
        typeRoots: [join(ROOT, 'node_modules/@types')],
      },
      include: [join(ROOT, 'src'), join(ROOT, 'bench')],
      exclude: [join(ROOT, '**/*.test.ts'), join(ROOT, '**/*.test-*.ts')],
    }),
  );
  const compiler = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  await runChild(process.execPath, [compiler, '-p', project]);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'millrace-bench', type: 'module' }),
  );
  return folder;
}
