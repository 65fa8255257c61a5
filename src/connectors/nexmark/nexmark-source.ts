/**
 * Sources of Nexmark events: the mixed stream, or one kind of it as plain rows. Timestamps are the
 * events' own.
 *
 * Invariants:
 * 1. Subtask i of p makes the epochs e with e mod p = i, so the set of events and its pace do not
 *    depend on p.
 * 2. `eventsNum`, `rate` and `ratePerSecond` count all events, also those that a source of one kind
 *    leaves out.
 */
import { MillraceError } from '../../base/errors.ts';
import type { ReaderOutput, Source } from '../../functions/source.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { requireRate } from '../common/rate-limiter.ts';
import { StaticSplitEnumerator } from '../common/static-split-enumerator.ts';
import { type StridedSplit, StridedReader, stridedSplits } from '../common/strided-reader.ts';
import {
  type Auction,
  AUCTION,
  auctionType,
  type Bid,
  BID,
  bidType,
  type NexmarkEvent,
  type NexmarkEventType,
  nexmarkEventType,
  type Person,
  PERSON,
  personType,
} from './nexmark-events.ts';
import { EPOCH_SIZE, NexmarkGenerator } from './nexmark-generator.ts';
import { type NexmarkTables, nexmarkTables } from './nexmark-tables.ts';

/** Which events, and how fast. */
export interface NexmarkOptions {
  /** How many events; without end if left out. */
  readonly eventsNum?: number | undefined;
  /** Events per second of event time: it spaces the timestamps. From 2 on. */
  readonly rate: number;
  /** 1 if left out. */
  readonly seed?: number | undefined;
  /** Events per second of real time, of the whole job; as fast as it goes if left out. */
  readonly ratePerSecond?: number | undefined;
}

/**
 * From here on times would lose their exactness: event number times 10^6 must be a safe integer.
 */
const EVENTS_MAX = 9_000_000_000;
/** Below, an auction's length in ms no longer fits the 21 bits of the generator's draws. */
const RATE_MIN = 2;

/**
 * Persons, auctions and bids in one stream.
 *
 * @example
 * env.fromSource(nexmarkSource({ eventsNum: 100_000, rate: 1000 }),
 *   WatermarkStrategy.forBoundedOutOfOrderness(seconds(4)), 'events')
 */
export function nexmarkSource(options: NexmarkOptions): Source<NexmarkEvent, StridedSplit> {
  return sourceOf(options, nexmarkEventType, (generator) => (from, to, output) => {
    for (let n = from; n < to; n++) output.collect(generator.event(n), generator.timeOf(n));
  });
}

/** The persons of the stream. */
export function nexmarkPersonSource(options: NexmarkOptions): Source<Person, StridedSplit> {
  return sourceOf(options, personType, (generator) =>
    emitKind(generator, PERSON, (n) => generator.person(n)),
  );
}

/** The auctions of the stream. */
export function nexmarkAuctionSource(options: NexmarkOptions): Source<Auction, StridedSplit> {
  return sourceOf(options, auctionType, (generator) =>
    emitKind(generator, AUCTION, (n) => generator.auction(n)),
  );
}

/** The bids of the stream. */
export function nexmarkBidSource(options: NexmarkOptions): Source<Bid, StridedSplit> {
  return sourceOf(options, bidType, (generator) =>
    emitKind(generator, BID, (n) => generator.bid(n)),
  );
}

/** Emits the events of the numbers `from` to `to - 1` of one epoch. */
type Emit<T> = (from: number, to: number, output: ReaderOutput<T>) => void;

function emitKind<T extends { readonly dateTime: number }>(
  generator: NexmarkGenerator,
  kind: NexmarkEventType,
  make: (n: number) => T,
): Emit<T> {
  return (from, to, output) => {
    for (let n = from; n < to; n++) {
      if (generator.kindOf(n) !== kind) continue;
      const row = make(n);
      output.collect(row, row.dateTime);
    }
  };
}

function sourceOf<T>(
  options: NexmarkOptions,
  type: TypeInformation<T>,
  emitterOf: (generator: NexmarkGenerator) => Emit<T>,
): Source<T, StridedSplit> {
  requireOptions(options);
  const { eventsNum, rate, seed = 1, ratePerSecond } = options;
  const end = eventsNum ?? EVENTS_MAX;
  const blockSize = EPOCH_SIZE;
  // All readers of a thread share the tables; a thread without readers never builds them.
  let tables: NexmarkTables | undefined;
  return {
    boundedness: eventsNum === undefined ? 'continuous-unbounded' : 'bounded',
    producedType: type,
    createEnumerator: (context, restored) =>
      new StaticSplitEnumerator(
        context,
        restored ?? stridedSplits(end, blockSize, context.parallelism),
      ),
    createReader: (context) => {
      tables ??= nexmarkTables(seed);
      const emit = emitterOf(new NexmarkGenerator(rate, tables));
      return new StridedReader({ emit, blockSize, ratePerSecond }, context);
    },
  };
}

function requireOptions({ eventsNum, rate, seed, ratePerSecond }: NexmarkOptions): void {
  requireRate('nexmarkSource', ratePerSecond);
  const isCount = eventsNum === undefined || (Number.isInteger(eventsNum) && eventsNum >= 0);
  if (!isCount || (eventsNum ?? 0) > EVENTS_MAX) {
    throw illegal(
      `eventsNum ${eventsNum}: give a whole number up to ${EVENTS_MAX}, or leave it out`,
    );
  }
  if (!(rate >= RATE_MIN && Number.isFinite(rate))) {
    throw illegal(`rate ${rate}: give events per second of event time, ${RATE_MIN} or more`);
  }
  if (seed !== undefined && (seed | 0) !== seed) {
    throw illegal(`seed ${seed}: give a whole number of 32 bits`);
  }
}

function illegal(what: string): MillraceError {
  return new MillraceError('ILLEGAL_ARGUMENT', `nexmarkSource got ${what}`);
}
