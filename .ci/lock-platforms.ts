/**
 * Completes package-lock.json with the optional packages of other platforms that the registry in use did not have when
 * the lockfile was made. Without them `npm ci` says that lockfile and package.json disagree.
 * Run it after each change of dependencies: `node .ci/lock-platforms.ts`.
 *
 * Invariant: it only adds; a package gets the version that its parent asks for, and the platforms that its name says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lockfile {
  packages: Record<string, LockedPackage>;
}

const PATH = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const SYSTEMS = /(aix|android|darwin|freebsd|linux|openharmony|sunos|win32)-([a-z0-9]+)/;

const lockfile = JSON.parse(readFileSync(PATH, 'utf8')) as Lockfile;
const added: string[] = [];
for (const [path, parent] of Object.entries(lockfile.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const [, os, cpu] = SYSTEMS.exec(name) ?? [];
    const isLocked = key in lockfile.packages || `${path}/${key}` in lockfile.packages;
    if (isLocked || os === undefined || cpu === undefined) continue;
    lockfile.packages[key] = platformPackage(name, version, os, cpu, path !== '');
    added.push(name);
  }
}
const sorted = Object.entries(lockfile.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lockfile.packages = Object.fromEntries(sorted);
writeFileSync(PATH, `${JSON.stringify(lockfile, null, 2)}\n`);
console.log(`added ${added.length}: ${added.join(' ')}`);

function platformPackage(
  name: string,
  version: string,
  os: string,
  cpu: string,
  isDev: boolean,
): LockedPackage {
  const libc = name.includes('musl') ? 'musl' : /gnu|glibc/.test(name) ? 'glibc' : undefined;
  return {
    version,
    ...(isDev ? { dev: true } : {}),
    optional: true,
    os: [os],
    cpu: [cpu],
    ...(os === 'linux' && libc !== undefined ? { libc: [libc] } : {}),
  };
}
