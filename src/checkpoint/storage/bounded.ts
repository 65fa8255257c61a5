/**
 * Does the same with many things, some at a time.
 * Invariant: when the promise settles nothing is under way any more.
 */

/**
 * Stops starting new ones at the first failure, waits for those under way, then rejects with it.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  concurrencyMax: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let isFailed = false;
  const run = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && !isFailed; next = rest.next()) {
      try {
        await act(next.value);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: concurrencyMax }, run));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
