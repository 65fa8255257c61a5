/**
 * Windows as parts of keys in state, and back.
 *
 * Invariant: two windows of an operator are the same exactly if their namespaces are the same key.
 */
import { GlobalWindows } from '../../../functions/windowing/global-windows.ts';
import { timeWindow, type TimeWindow } from '../../../functions/windowing/time-window.ts';
import { GLOBAL_WINDOW, type Window } from '../../../functions/windowing/window.ts';
import type { WindowAssigner } from '../../../functions/windowing/window-assigner.ts';
import { keysEqual } from '../../../state/table/key-equality.ts';

/** Whether windows of an assigner tell rows of a key apart: there is more than the one of all. */
export function hasNamespaces(assigner: WindowAssigner<unknown, Window>): boolean {
  return !(assigner instanceof GlobalWindows);
}

/**
 * What stands for a window in state: `[start, end]`, or the window itself; nothing for the one of
 * all.
 */
export function namespaceOf(window: Window): unknown {
  if (window === GLOBAL_WINDOW) return undefined;
  return isTimeWindow(window) ? [window.start, window.end] : window;
}

/** The window that a namespace stands for. */
export function windowOf(namespace: unknown): Window {
  if (namespace === undefined) return GLOBAL_WINDOW;
  if (!Array.isArray(namespace)) return namespace as Window;
  const [start, end] = namespace as [number, number];
  return timeWindow(start, end);
}

/** Whether two windows are the same. */
export function sameWindow(a: Window, b: Window): boolean {
  if (a === b) return true;
  if (a.maxTimestamp !== b.maxTimestamp) return false;
  return isTimeWindow(a) && isTimeWindow(b)
    ? a.start === b.start
    : keysEqual(namespaceOf(a), namespaceOf(b));
}

/** A window with anything besides is another one than its interval. */
function isTimeWindow(window: Window): window is TimeWindow {
  if (!('start' in window && 'end' in window)) return false;
  const { start, end, maxTimestamp } = window as TimeWindow;
  if (typeof start !== 'number' || maxTimestamp !== end - 1) return false;
  let fields = 0;
  for (const _name in window) fields++;
  return fields === 3;
}
