/** Bounds and defaults of parallelism; every check names the operator and the remedy. */
import { MillraceError } from '../base/errors.ts';

/** The highest maximum parallelism, and so the highest parallelism. */
export const PARALLELISM_MAX = 32_768;

const DEFAULT_MAX_PARALLELISM_MIN = 128;

/**
 * The maximum parallelism where none is set: room to grow by half, a power of two, 128 to 32,768.
 */
export function derivedMaxParallelism(parallelism: number): number {
  const wanted = Math.floor(parallelism * 1.5);
  const power = wanted <= 1 ? 1 : 2 ** (32 - Math.clz32(wanted - 1));
  return Math.min(Math.max(power, DEFAULT_MAX_PARALLELISM_MIN), PARALLELISM_MAX);
}

/**
 * Checks one value where it is set.
 *
 * @param owner - whose it is, for the message: `operator 'Map'` or `the environment`
 * @throws PARALLELISM_INVALID
 */
export function requireParallelism(owner: string, what: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= PARALLELISM_MAX) return;
  throw new MillraceError(
    'PARALLELISM_INVALID',
    `${owner} got a ${what} of ${value}: give a whole number from 1 to ${PARALLELISM_MAX}`,
    { details: { value, max: PARALLELISM_MAX } },
  );
}

/**
 * Checks that an operator's parallelism fits its maximum parallelism.
 *
 * @throws PARALLELISM_INVALID
 */
export function requireWithinMax(owner: string, parallelism: number, maxParallelism: number): void {
  if (parallelism <= maxParallelism) return;
  throw new MillraceError(
    'PARALLELISM_INVALID',
    `${owner} has parallelism ${parallelism} above its maximum parallelism ${maxParallelism}: ` +
      'lower it with setParallelism, or raise the bound with setMaxParallelism',
    { details: { value: parallelism, max: maxParallelism } },
  );
}
