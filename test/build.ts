/**
 * Builds `dist`: JavaScript and declarations of `src` and `native-free`, without tests and
 * examples.
 *
 * Invariant: nothing of an earlier build is left.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Builds into `outDir` (default `dist`); throws, with the compiler's output shown, if that fails.
 */
export function build(outDir: string = join(ROOT, 'dist')): void {
  rmSync(outDir, { recursive: true, force: true });
  const compiler = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  const args = [compiler, '-p', '.tsconfig.build.json', '--outDir', outDir];
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
}

if (import.meta.main) build();
