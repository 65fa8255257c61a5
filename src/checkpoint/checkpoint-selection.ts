/**
 * Which checkpoint a job starts from: the newest one that is whole.
 *
 * Invariants:
 * 1. A checkpoint is chosen only after all its files were read and have the lengths and checksums
 *    that its manifest names.
 * 2. What is damaged is reported, never loaded; where all are damaged the job does not start empty.
 */
import type { CheckpointManifest } from './manifest.ts';

/** A file that is not what its manifest says. */
export interface Damage {
  readonly path: string;
  readonly reason: string;
}

/** A checkpoint that has been verified, and where it lies. */
export interface SelectedCheckpoint {
  readonly manifest: CheckpointManifest;
  /** What `openStorage` takes. */
  readonly storageUrl: string;
  /** What the manifest's paths are relative to, in that storage. */
  readonly folder: string;
  /** Newer ones that were passed over: a damaged file of each. */
  readonly damaged: readonly Damage[];
}
