/**
 * One clock for all threads of a process. `performance.now` starts at each thread's own time, so it
 * is shifted to the machine's monotonic clock, read once per thread.
 */

const ATTEMPTS = 16;
const offsetMs: number = measureOffset();

/** Milliseconds, with fractions, of the machine's monotonic clock: the same in every thread. */
export function sharedNowMs(): number {
  return offsetMs + performance.now();
}

/** The same in whole nanoseconds. */
export function sharedNowNanos(): number {
  return Math.round(sharedNowMs() * 1e6);
}

/** What `performance.now` of this thread shows at a shared time. */
export function threadTimeMs(sharedNanos: number): number {
  return sharedNanos / 1e6 - offsetMs;
}

/** The attempt that was interrupted least counts. */
function measureOffset(): number {
  let best = 0;
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = performance.now();
    const machineMs = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= shortestMs) continue;
    shortestMs = after - before;
    best = machineMs - (before + after) / 2;
  }
  return best;
}
