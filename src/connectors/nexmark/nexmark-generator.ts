/**
 * Makes Nexmark events: event n is a function of n, the seed and the rate alone.
 *
 * Of every 50 events (an epoch) the first is a person, three are auctions, 46 are bids. Ids grow
 * with n; persons and auctions that bids and auctions refer to are mostly recent ones, with a hot
 * one in each hundred.
 *
 * Invariants:
 * 1. The order of the draws is the specification: two draws exchanged give other events.
 * 2. No draw of one event depends on another event.
 */
import {
  type Auction,
  AUCTION,
  type Bid,
  BID,
  type NexmarkEvent,
  type NexmarkEventType,
  type Person,
  PERSON,
} from './nexmark-events.ts';
import { mix, NexmarkRandom } from './nexmark-random.ts';
import {
  CHANNEL_COUNT,
  CITIES,
  FIRST_NAMES,
  HOT_CHANNELS,
  LAST_NAMES,
  type NexmarkTables,
  POOL_SIZE,
  SPACE,
  STATES,
  WordMaker,
} from './nexmark-tables.ts';

/** Events per epoch: one person, three auctions, 46 bids. */
export const EPOCH_SIZE = 50;
/** Offset in an epoch of the first auction; the one before is the person. */
const AUCTION_OFFSET = 1;
/** Offset in an epoch of the first bid. */
const BID_OFFSET = 4;
const AUCTIONS_PER_EPOCH = 3;

/** 2015-07-15 00:00 UTC, the time of event 0. */
const BASE_TIME_MS = 1_436_918_400_000;
const MICROS_PER_SECOND = 1_000_000;
const TWO_TO_32 = 4_294_967_296;

const FIRST_ID = 1000;
/** Nexmark adds its 1000 twice to bidders; what joins with persons depends on it. */
const FIRST_BIDDER_ID = 2000;
const FIRST_CATEGORY = 10;
/** One person and one auction in so many are hot. */
const HOT_DISTANCE = 100;
const ACTIVE_PERSONS_MAX = 1000;
const ACTIVE_AUCTIONS_MAX = 100;
/** Ids may lie so far ahead of the events that define them. */
const LEAD = 10;
/** Auctions last until about so many events later, at most twice. */
const AUCTION_EVENTS = 1666;

/**
 * Numbers of the specification: bytes of the fields besides `extra`, and how many all shall have.
 */
const PERSON_SIZE = { fixed: 8, wanted: 200 } as const;
const AUCTION_SIZE = { fixed: 48, wanted: 500 } as const;
const BID_SIZE = { fixed: 32, wanted: 100 } as const;

/** Makes the events of one seed and rate, in any order. */
export class NexmarkGenerator {
  readonly #rate: number;
  readonly #tables: NexmarkTables;
  readonly #random = new NexmarkRandom();
  readonly #words = new WordMaker();

  /**
   * @param rate - events per second of event time
   * @param tables - of the wanted seed
   */
  constructor(rate: number, tables: NexmarkTables) {
    this.#rate = rate;
    this.#tables = tables;
  }

  /** The kind of event `n`. */
  kindOf(n: number): NexmarkEventType {
    const offset = n % EPOCH_SIZE;
    if (offset < AUCTION_OFFSET) return PERSON;
    return offset < BID_OFFSET ? AUCTION : BID;
  }

  /** The time of event `n` in epoch milliseconds. */
  timeOf(n: number): number {
    return BASE_TIME_MS + Math.floor(Math.floor((n * MICROS_PER_SECOND) / this.#rate) / 1000);
  }

  /** Event `n` of the mixed stream. */
  event(n: number): NexmarkEvent {
    const kind = this.kindOf(n);
    return {
      event_type: kind,
      person: kind === PERSON ? this.person(n) : null,
      auction: kind === AUCTION ? this.auction(n) : null,
      bid: kind === BID ? this.bid(n) : null,
    };
  }

  /** The person that is event `n`; only for an `n` of that kind. */
  person(n: number): Person {
    const random = this.#start(n);
    const name = `${pick(FIRST_NAMES, random)} ${pick(LAST_NAMES, random)}`;
    const mailbox = this.#words.word(random, 7, SPACE);
    const emailAddress = `${mailbox}@${this.#words.word(random, 5, SPACE)}.com`;
    const creditCard = creditCardOf(random);
    const city = pick(CITIES, random);
    const state = pick(STATES, random);
    const size =
      PERSON_SIZE.fixed +
      name.length +
      emailAddress.length +
      creditCard.length +
      city.length +
      state.length;
    return {
      id: FIRST_ID + lastPersonOf(n),
      name,
      emailAddress,
      creditCard,
      city,
      state,
      dateTime: this.timeOf(n),
      extra: this.#extra(size, PERSON_SIZE.wanted),
    };
  }

  /** The auction that is event `n`; only for an `n` of that kind. */
  auction(n: number): Auction {
    const random = this.#start(n);
    const seller =
      FIRST_ID + (random.below(4) > 0 ? hotOf(lastPersonOf(n)) : somePerson(n, random));
    const category = FIRST_CATEGORY + random.below(5);
    const initialBid = this.#price();
    const dateTime = this.timeOf(n);
    const horizonMs = this.timeOf(n + AUCTION_EVENTS) - dateTime;
    const expires = dateTime + 1 + random.below(Math.max(2 * horizonMs, 1));
    const itemName = this.#words.word(random, 20, SPACE);
    const description = this.#words.word(random, 100, SPACE);
    const reserve = initialBid + this.#price();
    const size = AUCTION_SIZE.fixed + itemName.length + description.length;
    const extra = this.#extra(size, AUCTION_SIZE.wanted);
    const id = FIRST_ID + lastAuctionOf(n);
    return {
      id,
      itemName,
      description,
      initialBid,
      reserve,
      dateTime,
      expires,
      seller,
      category,
      extra,
    };
  }

  /** The bid that is event `n`; only for an `n` of that kind. */
  bid(n: number): Bid {
    const random = this.#start(n);
    const tables = this.#tables;
    const auction = FIRST_ID + someAuction(lastAuctionOf(n), random);
    const bidder =
      FIRST_BIDDER_ID + (random.below(4) > 0 ? hotOf(lastPersonOf(n)) + 1 : somePerson(n, random));
    const price = this.#price();
    const isHot = random.below(2) > 0;
    const index = random.below(isHot ? HOT_CHANNELS.length : CHANNEL_COUNT);
    return {
      auction,
      bidder,
      price,
      // Safe: the index lies below the list's length.
      channel: (isHot ? HOT_CHANNELS : tables.channels)[index] as string,
      url: (isHot ? tables.hotUrls : tables.urls)[index] as string,
      dateTime: this.timeOf(n),
      extra: this.#extra(BID_SIZE.fixed, BID_SIZE.wanted),
    };
  }

  /** The random numbers of event `n`, from the first. */
  #start(n: number): NexmarkRandom {
    const high = Math.floor(n / TWO_TO_32);
    this.#random.reset(mix((n | 0) ^ mix((high + this.#tables.seed) | 0)));
    return this.#random;
  }

  /** Cents, log-uniform from 100 to 10^8: the table's step by 12 bits, between two steps by 10. */
  #price(): number {
    const bits = this.#random.next();
    const step = bits >>> 20;
    const part = (bits >>> 10) & 1023;
    const prices = this.#tables.prices;
    const low = prices[step] as number;
    const high = prices[step + 1] as number;
    return Math.floor((low * (1024 - part) + high * part + 524_288) / 1_048_576);
  }

  /** Letters that make an event of `size` bytes about as large as `wanted`. */
  #extra(size: number, wanted: number): string {
    if (size > wanted) return '';
    const mean = wanted - size;
    const delta = Math.round(mean * 0.2);
    const length = mean - delta + (delta === 0 ? 0 : this.#random.below(2 * delta));
    const start = this.#random.below(POOL_SIZE - length);
    return this.#tables.pool.slice(start, start + length);
  }
}

/** The person of event `n` or the last one before, counted from 0. */
function lastPersonOf(n: number): number {
  return Math.floor(n / EPOCH_SIZE);
}

/** The auction of event `n` or the last one before, counted from 0; -1 before the first. */
function lastAuctionOf(n: number): number {
  return AUCTIONS_PER_EPOCH * Math.floor(n / EPOCH_SIZE) + Math.min(n % EPOCH_SIZE, 3) - 1;
}

function hotOf(last: number): number {
  return Math.floor(last / HOT_DISTANCE) * HOT_DISTANCE;
}

function somePerson(n: number, random: NexmarkRandom): number {
  const people = lastPersonOf(n) + 1;
  const active = Math.min(people, ACTIVE_PERSONS_MAX);
  return people - active + random.below(active + LEAD);
}

function someAuction(last: number, random: NexmarkRandom): number {
  if (random.below(2) > 0) return hotOf(last);
  const first = Math.max(last - ACTIVE_AUCTIONS_MAX, 0);
  return first + random.below(last - first + LEAD + 1);
}

function pick(list: readonly string[], random: NexmarkRandom): string {
  // Safe: the index lies below the list's length.
  return list[random.below(list.length)] as string;
}

function creditCardOf(random: NexmarkRandom): string {
  return `${fourDigits(random)} ${fourDigits(random)} ${fourDigits(random)} ${fourDigits(random)}`;
}

function fourDigits(random: NexmarkRandom): string {
  return String(random.below(10_000)).padStart(4, '0');
}
