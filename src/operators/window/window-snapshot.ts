/**
 * What a window operator keeps of its progress, beside its keyed state.
 *
 * Invariants:
 * 1. What has fired does not fire again after a restore, whatever the parallelism: a window whose
 *    firing is under way has the keys that fired in a state of their own, and a subtask that was
 *    ahead of the others says which windows its keys have fired of.
 * 2. The operator goes on from the least of the watermarks.
 */
import { hashRange } from '../../state/key-groups.ts';
import type { KeyedStateBackend } from '../../state/keyed-state-backend.ts';
import { NO_TIMESTAMP, SLICE_ROWS } from '../chain-stage.ts';
import type { OpenWindow, OpenWindows } from './open-windows.ts';

/** The version of {@link WindowSnapshot}. */
export const WINDOW_SNAPSHOT_VERSION = 2;

/** Version 2 of the snapshot of a window operator; its windows are keyed state. */
export interface WindowSnapshot {
  /** The watermark up to which windows have fired, or are firing. */
  readonly watermark: number;
  /** Windows that start here or before have wholly fired; −Infinity: none that is kept. */
  readonly firedThrough: number;
  /** The subtask's unsigned hashes. */
  readonly hashFirst: number;
  readonly hashLast: number;
}

/** Takes a snapshot; also notes, in keyed state, which keys of a firing under way have fired. */
export function snapshotWindows(
  windows: OpenWindows,
  watermark: number,
  backend: KeyedStateBackend,
): WindowSnapshot {
  const firing = windows.firstUnfired();
  if (firing !== undefined && firing.cursor > 0) noteFired(windows, firing);
  const { first, last } = hashRange(backend.keyGroups, backend.maxParallelism);
  return { watermark, firedThrough: windows.firedThrough, hashFirst: first, hashLast: last };
}

/** Opens what was restored as keyed state; returns the watermark to go on from. */
export function restoreWindows(windows: OpenWindows, snapshots: readonly WindowSnapshot[]): number {
  windows.openRestored();
  const watermarks = snapshots.map((snapshot) => snapshot.watermark);
  const watermark = watermarks.length === 0 ? NO_TIMESTAMP : Math.min(...watermarks);
  let isBehindFired = true;
  for (const opened of windows.all()) {
    const hasFired = markFired(windows, opened, snapshots);
    isBehindFired &&= hasFired && opened.window.maxTimestamp <= watermark;
    if (!isBehindFired) continue;
    windows.forgetFired(opened);
    windows.firedCount++;
  }
  return watermark;
}

/** Entries before the cursor have fired. */
function noteFired(windows: OpenWindows, opened: OpenWindow): void {
  const { state } = opened;
  const fired = windows.firedOf(opened);
  const entries = new Int32Array(SLICE_ROWS);
  for (let cursor = 0; cursor >= 0 && cursor < opened.cursor; ) {
    cursor = state.scan(cursor, SLICE_ROWS, entries);
    for (let i = 0; i < state.scanned; i++) {
      const entry = entries[i] as number;
      if (entry < opened.cursor) add(fired, state.keyAt(entry), state.hashAt(entry));
    }
  }
}

/** Notes the keys of those who have fired the window; whether these are all. */
function markFired(
  windows: OpenWindows,
  opened: OpenWindow,
  snapshots: readonly WindowSnapshot[],
): boolean {
  const ahead = snapshots.filter(({ firedThrough }) => opened.window.start <= firedThrough);
  if (ahead.length === 0) return false;
  if (ahead.length === snapshots.length && opened.fired === undefined) {
    // Only if the windows before it have fired, too; else its keys are needed.
    if (windows.firstUnfired() === opened) return true;
  }
  const fired = windows.firedOf(opened);
  opened.state.forEach((key, _value, hash) => {
    const unsigned = hash >>> 0;
    const isFired = ahead.some((s) => unsigned >= s.hashFirst && unsigned <= s.hashLast);
    if (isFired) add(fired, key, hash);
  });
  return fired.size === opened.state.size;
}

function add(fired: NonNullable<OpenWindow['fired']>, key: unknown, hash: number): void {
  fired.write(fired.findOrInsert(key, hash), true, key);
}
