/**
 * The windows of an operator as plain data, and back.
 *
 * Invariant: a snapshot between two slices of a firing remembers which keys have fired: they come
 * first.
 */
import { NO_TIMESTAMP } from '../chain-stage.ts';
import { restoreTable, snapshotTable } from '../aggregate/table-snapshot.ts';
import type { TableSnapshot } from '../aggregate/table-snapshot.ts';
import type { OpenWindows } from './open-windows.ts';

/** The version of {@link WindowSnapshot}. */
export const WINDOW_SNAPSHOT_VERSION = 1;

/** One window. */
export interface OneWindowSnapshot extends TableSnapshot {
  readonly start: number;
  /** How many of the keys, from the first on, have fired. */
  readonly firedCount: number;
}

/** Version 1 of the snapshot of a window operator. */
export interface WindowSnapshot {
  /** The last watermark that was wholly handled. */
  readonly watermark: number;
  readonly windows: readonly OneWindowSnapshot[];
}

/** How an operator's windows are kept. */
export interface WindowKeeping {
  /** Copies a value that the operator goes on changing. */
  readonly copy: (value: unknown) => unknown;
  /** Whether windows that have fired are kept for late records. */
  readonly keepsFired: boolean;
}

/** Takes a snapshot. */
export function snapshotWindows(
  windows: OpenWindows,
  watermark: number,
  keeping: WindowKeeping,
): WindowSnapshot {
  const snapshots: OneWindowSnapshot[] = [];
  for (const { window, table, cursor } of windows.all()) {
    const from = keeping.keepsFired ? 0 : cursor;
    const content = snapshotTable(table, keeping.copy, from);
    const hasFired = snapshots.length < windows.firedCount;
    const firedCount = hasFired ? content.keys.length : cursor - from;
    snapshots.push({ start: window.start, firedCount, ...content });
  }
  return { watermark, windows: snapshots };
}

/**
 * Fills an operator without state from the snapshots of one or more; returns the watermark to go on
 * from.
 */
export function restoreWindows(
  windows: OpenWindows,
  snapshots: readonly WindowSnapshot[],
  keeping: WindowKeeping,
): number {
  const watermarks = snapshots.map((snapshot) => snapshot.watermark);
  const watermark = watermarks.length === 0 ? NO_TIMESTAMP : Math.min(...watermarks);
  // Keys that have fired first, so that their count says which they are.
  for (const part of ['fired', 'unfired'] as const) {
    for (const snapshot of snapshots) {
      for (const one of snapshot.windows) restoreWindow(windows, one, part, keeping);
    }
  }
  for (const opened of windows.all()) {
    // Fired where the watermark was ahead: it fires again, as records may still come to it.
    if (opened.window.maxTimestamp > watermark) opened.cursor = 0;
    else if (opened.cursor === opened.table.size) windows.firedCount++;
  }
  return watermark;
}

function restoreWindow(
  windows: OpenWindows,
  snapshot: OneWindowSnapshot,
  part: 'fired' | 'unfired',
  keeping: WindowKeeping,
): void {
  const { start, keys, values, firedCount } = snapshot;
  const opened = windows.get(start) ?? windows.open(start, false);
  const [from, to] = part === 'fired' ? [0, firedCount] : [firedCount, keys.length];
  const content = { keys: keys.slice(from, to), values: values.slice(from, to) };
  restoreTable(opened.table, content, keeping.copy);
  if (part === 'fired') opened.cursor += firedCount;
}
