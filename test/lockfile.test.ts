/** What makes `npm ci` work on any machine: exact versions, no hosts, every platform's packages. */
import { readFileSync } from 'node:fs';
import test from 'ava';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const lockfile = read('package-lock.json') as { packages: Readonly<Record<string, Locked>> };
const manifest = read('package.json') as Manifest;
const locked = Object.entries(lockfile.packages);

test('the lockfile names no host', (t) => {
  t.true(locked.length > 100);
  t.deepEqual(
    locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path),
    [],
  );
});

test('optional packages of all platforms are locked (else run .ci/lock-platforms.ts)', (t) => {
  const missing = locked.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !(`node_modules/${name}` in lockfile.packages) &&
        !(`${path}/node_modules/${name}` in lockfile.packages),
    ),
  );
  t.deepEqual(missing, []);
});

test('dependencies have exact versions, and Node is the pinned one', (t) => {
  const versions = Object.values({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  });
  for (const version of versions) t.regex(version, /^(npm:\w+@)?\d+\.\d+\.\d+$/);
  t.is(manifest.devDependencies['node'], process.versions.node);
});

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
}
