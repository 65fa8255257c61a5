/** What records are grouped into, and the one window that holds all of them. */

/**
 * A group of records. Windows are plain data: they are part of keys in state, and two with the same
 * content are the same window.
 */
export interface Window {
  /** The last timestamp that may belong to the window; its results carry it. */
  readonly maxTimestamp: number;
}

/** The window of all records; it never ends. */
export interface GlobalWindow extends Window {
  readonly maxTimestamp: typeof Number.POSITIVE_INFINITY;
}

/** The only {@link GlobalWindow}. */
export const GLOBAL_WINDOW: GlobalWindow = Object.freeze({
  maxTimestamp: Number.POSITIVE_INFINITY,
});
