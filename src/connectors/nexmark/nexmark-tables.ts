/**
 * What the Nexmark generator looks things up in: names, the pool of letters, prices, channels and
 * their URLs.
 *
 * Invariant: the tables are a function of the seed alone and never change, so all generators of a
 * seed may share them.
 */
import { mix, NexmarkRandom } from './nexmark-random.ts';

export const FIRST_NAMES: readonly string[] =
  'Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter'.split(' ');
export const LAST_NAMES: readonly string[] =
  'Shultz Abrams Spencer White Bartels Walton Smith Jones Noris'.split(' ');
export const CITIES: readonly string[] =
  'Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne'.split(',');
export const STATES: readonly string[] = 'AZ CA ID OR WA WY'.split(' ');
/** The channels that get half of the bids. */
export const HOT_CHANNELS: readonly string[] = 'Google Facebook Baidu Apple'.split(' ');

/** Letters in the pool. */
export const POOL_SIZE: number = 2 ** 20;
/** Channels besides the hot ones. */
export const CHANNEL_COUNT = 10_000;
/** Steps of the price table. */
const PRICE_STEPS = 4096;
/** A hundred cents, times 1024: prices are interpolated in 1024ths. */
const LEAST_PRICE = 102_400;
/** Prices span a factor of 10^6. */
const PRICE_DECADES = 6;

const LETTER_A = 97;
const LETTERS = 26;
const POOL_SALT = 0x504f4f4c;
const URL_SALT = 0x55524c53;

/** The tables of one seed. */
export interface NexmarkTables {
  readonly seed: number;
  /** {@link POOL_SIZE} letters, of which `extra` fields are parts. */
  readonly pool: string;
  /** A price times 1024 at each step, and one more. */
  readonly prices: Float64Array;
  /** URLs of {@link HOT_CHANNELS}. */
  readonly hotUrls: readonly string[];
  /** `channel-0` … */
  readonly channels: readonly string[];
  /** URLs of {@link channels}. */
  readonly urls: readonly string[];
}

/** Builds the tables; some 10 ms and 2 MB. */
export function nexmarkTables(seed: number): NexmarkTables {
  const pool = poolOf(seed);
  const random = new NexmarkRandom();
  random.reset(mix(seed ^ URL_SALT));
  const words = new WordMaker();
  const hotUrls = HOT_CHANNELS.map(() => baseUrl(random, words));
  const channels: string[] = [];
  const urls: string[] = [];
  for (let index = 0; index < CHANNEL_COUNT; index++) {
    const url = baseUrl(random, words);
    channels.push(`channel-${index}`);
    urls.push(random.below(10) > 0 ? `${url}&channel_id=${Math.abs(reverseBits(index))}` : url);
  }
  return { seed, pool, prices: priceTable(), hotUrls, channels, urls };
}

/** Makes words of random letters. */
export class WordMaker {
  readonly #bytes: Buffer = Buffer.alloc(128);

  /**
   * A word of 3 to `lengthMax - 1` letters, one in 13 of them the `special` character, without
   * spaces at its ends.
   */
  word(random: NexmarkRandom, lengthMax: number, special: number): string {
    const bytes = this.#bytes;
    const length = 3 + random.below(lengthMax - 3);
    for (let index = 0; index < length; index++) {
      bytes[index] = random.below(13) === 0 ? special : LETTER_A + random.below(LETTERS);
    }
    let start = 0;
    let end = length;
    while (start < end && bytes[start] === SPACE) start++;
    while (end > start && bytes[end - 1] === SPACE) end--;
    return bytes.toString('latin1', start, end);
  }
}

/** The special character of words that are trimmed. */
export const SPACE = 32;
const UNDERSCORE = 95;

function poolOf(seed: number): string {
  const random = new NexmarkRandom();
  random.reset(mix(seed ^ POOL_SALT));
  const bytes = Buffer.alloc(POOL_SIZE);
  for (let index = 0; index < POOL_SIZE; index++) bytes[index] = LETTER_A + random.below(LETTERS);
  return bytes.toString('latin1');
}

function priceTable(): Float64Array {
  const price = (step: number): number =>
    Math.round(LEAST_PRICE * 10 ** ((PRICE_DECADES * step) / PRICE_STEPS));
  return Float64Array.from({ length: PRICE_STEPS + 1 }, (_, step) => price(step));
}

function baseUrl(random: NexmarkRandom, words: WordMaker): string {
  const first = words.word(random, 5, UNDERSCORE);
  const second = words.word(random, 5, UNDERSCORE);
  const third = words.word(random, 5, UNDERSCORE);
  return `https://www.nexmark.com/${first}/${second}/${third}/item.htm?query=1`;
}

/** The 32 bits in reverse, read as signed. */
function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed |= ((value >>> bit) & 1) << (31 - bit);
  return reversed;
}
