/**
 * A histogram of durations: log-linear buckets over float64 cells, so that one thread can write and
 * another read.
 *
 * A duration counts in whole microseconds. Below 32 µs each has its own bucket; above, every power
 * of two is cut into 32 equal parts, so a bucket is at most 1/32 = 3.1 % of its values wide and its
 * middle at most 1.6 % off. Cells:
 *
 *     | count | sumMs | minMs | maxMs | bucket 0 | bucket 1 | … | bucket 863 |
 *
 * Invariants:
 * 1. One writer; a reader in another thread may be a few records behind.
 * 2. Durations beyond 2^31 µs (36 minutes) count in the last bucket; negative ones as 0. `minMs`
 *    and `maxMs` are exact.
 */

const PARTS_LOG = 5;
/** Buckets per power of two. */
const PARTS: number = 1 << PARTS_LOG;
const MICROS_MAX = 0x7fff_ffff;

const COUNT = 0;
const SUM_MS = 1;
const MIN_MS = 2;
const MAX_MS = 3;
const FIRST_BUCKET = 4;
const BUCKETS: number = bucketOf(MICROS_MAX) + 1;

/** Float64 cells that a histogram takes. */
export const HISTOGRAM_CELLS: number = FIRST_BUCKET + BUCKETS;

/** Counts durations and tells their percentiles. */
export class LatencyHistogram {
  readonly #cells: Float64Array;

  /**
   * @param cells - {@link HISTOGRAM_CELLS} cells, zeroed or of an earlier histogram; own ones if
   *   left out
   */
  constructor(cells: Float64Array = new Float64Array(HISTOGRAM_CELLS)) {
    this.#cells = cells;
  }

  /** How many durations. */
  get count(): number {
    return this.#cell(COUNT);
  }

  /** The smallest duration, exactly; NaN if there is none. */
  get minMs(): number {
    return this.count === 0 ? Number.NaN : this.#cell(MIN_MS);
  }

  /** The largest duration, exactly; NaN if there is none. */
  get maxMs(): number {
    return this.count === 0 ? Number.NaN : this.#cell(MAX_MS);
  }

  /** The mean, exactly; NaN if there is none. */
  get meanMs(): number {
    return this.#cell(SUM_MS) / this.count;
  }

  /** All durations together. */
  get sumMs(): number {
    return this.#cell(SUM_MS);
  }

  /** Counts one duration. */
  record(durationMs: number): void {
    const cells = this.#cells;
    const valueMs = durationMs > 0 ? durationMs : 0;
    const bucket = FIRST_BUCKET + bucketOf(Math.min(Math.round(valueMs * 1000), MICROS_MAX));
    cells[bucket] = this.#cell(bucket) + 1;
    const count = this.#cell(COUNT);
    if (count === 0 || valueMs < this.#cell(MIN_MS)) cells[MIN_MS] = valueMs;
    if (count === 0 || valueMs > this.#cell(MAX_MS)) cells[MAX_MS] = valueMs;
    cells[SUM_MS] = this.#cell(SUM_MS) + valueMs;
    cells[COUNT] = count + 1;
  }

  /**
   * The duration that the given share (0 to 1) of all does not exceed, by nearest rank; NaN if
   * there is none. Off by 1.6 % or half a microsecond at most.
   */
  percentileMs(share: number): number {
    // The buckets' own total: `count` may lag behind them while the writer is at work.
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#cell(FIRST_BUCKET + bucket);
    if (total === 0) return Number.NaN;
    const rank = Math.min(Math.max(Math.ceil(share * total), 1), total);
    if (rank === total) return this.maxMs;
    let seen = 0;
    let bucket = -1;
    while (seen < rank) seen += this.#cell(FIRST_BUCKET + ++bucket);
    return Math.min(Math.max(middleMs(bucket), this.minMs), this.maxMs);
  }

  /** Counts everything that `other` has counted. */
  add(other: LatencyHistogram): void {
    if (other.count === 0) return;
    const cells = this.#cells;
    cells[MIN_MS] = this.count === 0 ? other.minMs : Math.min(this.minMs, other.minMs);
    cells[MAX_MS] = this.count === 0 ? other.maxMs : Math.max(this.maxMs, other.maxMs);
    cells[SUM_MS] = this.sumMs + other.sumMs;
    for (let bucket = FIRST_BUCKET; bucket < FIRST_BUCKET + BUCKETS; bucket++) {
      cells[bucket] = this.#cell(bucket) + other.#cell(bucket);
    }
    cells[COUNT] = this.count + other.count;
  }

  /** Forgets everything; for the writer only. */
  clear(): void {
    this.#cells.fill(0);
  }

  #cell(index: number): number {
    // Safe: every index lies below HISTOGRAM_CELLS.
    return this.#cells[index] as number;
  }
}

/**
 * The bucket of whole microseconds: exact below {@link PARTS}, then the leading bits after the
 * first one.
 */
function bucketOf(micros: number): number {
  if (micros < PARTS) return micros;
  const exponent = 31 - Math.clz32(micros);
  const part = (micros >>> (exponent - PARTS_LOG)) - PARTS;
  return (exponent - PARTS_LOG + 1) * PARTS + part;
}

/** The middle of a bucket's values. */
function middleMs(bucket: number): number {
  if (bucket < PARTS) return bucket / 1000;
  const shift = Math.floor(bucket / PARTS) - 1;
  const low = (PARTS + (bucket % PARTS)) * 2 ** shift;
  return (low + (2 ** shift - 1) / 2) / 1000;
}
