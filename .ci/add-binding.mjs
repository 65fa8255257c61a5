/**
 * `npm run prepare`, which npm runs after `npm ci` and `npm install` in the repository and nowhere else: sees to it that RocksDB's
 * binding is there. Under a Node older than the packages ask for, npm leaves them out without a word, though tests run under the
 * pinned Node; then this adds the platform's package, as the lockfile names it, by npm itself.
 *
 * Invariants:
 * 1. It never fails an installation: without a registry there is a warning, and the heap backend works.
 * 2. It changes nothing but the package's own folder, and nothing if that is complete. What it unpacks has the lockfile's checksum.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SCOPE = '@harperfast/rocksdb-js-';
const PACK_TIMEOUT_MS = 120_000;

try {
  const { optionalDependencies = {} } = readJson('package.json');
  const names = Object.keys(optionalDependencies).filter((name) => name.startsWith(SCOPE));
  const name = names.find(fitsHere);
  if (name !== undefined) add(name, optionalDependencies[name]);
} catch (error) {
  const reason = String(error.stderr || error.message).split('\n')[0];
  console.warn(`RocksDB's binding is not installed (${reason}); npm run prepare tries again`);
}

/** Whether a package's name is this machine's: system, processor and, on Linux, C library. */
function fitsHere(name) {
  const { platform, arch } = process;
  if (platform !== 'linux') return name === `${SCOPE}${platform}-${arch}`;
  const library = existsSync(`/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`)
    ? 'musl'
    : 'glibc';
  return name === `${SCOPE}linux-${arch}-${library}`;
}

function add(name, version) {
  const folder = join(ROOT, 'node_modules', name);
  if (isComplete(folder, version)) return;
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('start it by npm run prepare');
  const work = mkdtempSync(join(tmpdir(), 'millrace-binding-'));
  try {
    pack(npm, `${name}@${version}`, work);
    const tarball = readdirSync(work).find((file) => file.endsWith('.tgz'));
    const bytes = readFileSync(join(work, tarball));
    verify(bytes, name);
    place(unpack(bytes), folder);
    console.log(`added ${name}@${version}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isComplete(folder, version) {
  if (!existsSync(join(folder, 'package.json'))) return false;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return manifest.version === version && existsSync(join(folder, manifest.main));
}

/** Downloads, from wherever npm is configured to, under the running Node. */
function pack(npm, spec, folder) {
  const options = ['--prefer-offline', '--ignore-scripts', '--fetch-retries=1', '--loglevel=error'];
  const program = npm.endsWith('.js') ? [process.execPath, npm] : [npm];
  execFileSync(
    program[0],
    [...program.slice(1), 'pack', spec, '--pack-destination', folder, ...options],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PACK_TIMEOUT_MS,
    },
  );
}

function verify(bytes, name) {
  const locked = readJson('package-lock.json').packages[`node_modules/${name}`]?.integrity;
  if (locked === undefined) return;
  const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (found !== locked) throw new Error(`${name} has the checksum ${found}, not the lockfile's`);
}

/** The files of a tarball by name; npm's packages lie flat in one folder. */
function unpack(tarball) {
  const bytes = gunzipSync(tarball);
  const text = (from, length) =>
    bytes
      .toString('latin1', from, from + length)
      .replace(/\0.*$/s, '')
      .trim();
  const files = new Map();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const isFile = bytes[at + 156] === 0x30 || bytes[at + 156] === 0;
    if (isFile) files.set(basename(text(at, 100)), bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** Whole or not at all: beside it first, then by its name. */
function place(files, folder) {
  const beside = join(dirname(folder), `.${basename(folder)}-${process.pid}`);
  mkdirSync(beside, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(beside, name), bytes);
  rmSync(folder, { recursive: true, force: true });
  renameSync(beside, folder);
}

function readJson(name) {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}
