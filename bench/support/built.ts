/**
 * The engine as users get it, and the bench's programs with it, as plain JavaScript: for figures
 * that stripping types at start would spoil, start-up and memory.
 *
 * Invariant: the build lies outside of the repository and is made anew by each process that asks
 * for it.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from '../../test/build.ts';
import { ROOT } from './bench.ts';

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
  await bundle(folder, ['bench/jobs/*.ts', 'bench/programs/*.ts']);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'millrace-bench', type: 'module' }),
  );
  return folder;
}
