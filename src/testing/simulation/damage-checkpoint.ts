/** Damages a file of the newest checkpoint, as bad disks and careless people do. */
import { posix } from 'node:path';
import type { Random } from '../../base/environment.ts';
import type { MemoryFileSystem } from '../../base/memory-file-system.ts';

/** What was done to which file. */
export interface CheckpointDamage {
  readonly path: string;
  readonly what: (typeof KINDS)[number];
}

const KINDS = ['flipped bit', 'zeroed block', 'truncated', 'removed', 'swapped'] as const;
const BLOCK_BYTES = 512;

/** Damages one file below the folder of checkpoints; undefined if there is none yet. */
export function damageCheckpoint(
  disk: MemoryFileSystem,
  folder: string,
  random: Random,
): CheckpointDamage | undefined {
  const files = disk.stat(folder) === undefined ? [] : filesBelow(disk, folder);
  const manifests = files.filter((path) => path.endsWith('/_metadata'));
  const newest = manifests.reduce((a, b) => (idOf(b) > idOf(a) ? b : a), manifests[0] ?? '');
  if (newest === '') return undefined;
  const data = files.filter((path) => isNamedBy(disk, newest, path));
  const candidates = [newest, ...data];
  const path = candidates[random.below(candidates.length)] ?? newest;
  const what = KINDS[random.below(KINDS.length)] ?? 'removed';
  damage(disk, path, { what, random, other: files[random.below(files.length)] ?? newest });
  return { path, what };
}

interface How {
  readonly what: CheckpointDamage['what'];
  readonly random: Random;
  /** The file that it is swapped with. */
  readonly other: string;
}

function damage(disk: MemoryFileSystem, path: string, { what, random, other }: How): void {
  if (what === 'removed') {
    disk.remove(path);
    disk.syncDirectory(posix.dirname(path));
    return;
  }
  const swapped = other === path ? new Uint8Array(0) : contentOf(disk, other);
  disk.damage(path, (bytes) => {
    const at = random.below(Math.max(1, bytes.length));
    switch (what) {
      case 'flipped bit':
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        return bytes;
      case 'zeroed block':
        return bytes.fill(0, at - (at % BLOCK_BYTES), at - (at % BLOCK_BYTES) + BLOCK_BYTES);
      case 'truncated':
        return bytes.slice(0, at);
      case 'swapped':
        return swapped;
      default:
        return what satisfies never;
    }
  });
}

/** Manifests name their files by paths relative to the job's folder. */
function isNamedBy(disk: MemoryFileSystem, manifest: string, path: string): boolean {
  const job = posix.dirname(posix.dirname(manifest));
  if (!path.startsWith(`${job}/`) || path === manifest) return false;
  return Buffer.from(contentOf(disk, manifest)).includes(`"${path.slice(job.length + 1)}"`);
}

function idOf(manifest: string): number {
  return Number(/chk-(\d+)\/_metadata$/.exec(manifest)?.[1] ?? 0);
}

function filesBelow(disk: MemoryFileSystem, folder: string): readonly string[] {
  return disk.list(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return disk.stat(path)?.kind === 'directory' ? filesBelow(disk, path) : [path];
  });
}

function contentOf(disk: MemoryFileSystem, path: string): Uint8Array {
  using file = disk.open(path, 'read');
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  return bytes;
}
