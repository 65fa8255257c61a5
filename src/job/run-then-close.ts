/** Closing in any case, without hiding the first failure. */

/** Runs, then closes whatever happened; throws the failure of `run`, else that of `close`. */
export async function runThenClose<T>(
  run: () => Promise<T>,
  close: () => Promise<void>,
): Promise<T> {
  let result: T;
  try {
    result = await run();
  } catch (error) {
    // The first failure is the job's: what fails while it is torn down follows from it.
    await close().catch(() => undefined);
    throw error;
  }
  await close();
  return result;
}
