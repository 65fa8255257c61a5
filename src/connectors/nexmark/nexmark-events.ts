/**
 * The three kinds of Nexmark events as rows, with the names that the Nexmark queries use, and their
 * types.
 */
import type { TypeInformation } from '../../types/type-information.ts';
import { types } from '../../types/types.ts';

/** Somebody who sells and bids. */
export interface Person {
  id: number;
  name: string;
  emailAddress: string;
  creditCard: string;
  city: string;
  state: string;
  /** Epoch milliseconds. */
  dateTime: number;
  extra: string;
}

/** Something for sale. */
export interface Auction {
  id: number;
  itemName: string;
  description: string;
  /** Cents. */
  initialBid: number;
  /** Cents. */
  reserve: number;
  /** Epoch milliseconds. */
  dateTime: number;
  /** Epoch milliseconds. */
  expires: number;
  /** A person's id. */
  seller: number;
  category: number;
  extra: string;
}

/** A person's offer for an auction. */
export interface Bid {
  auction: number;
  bidder: number;
  /** Cents. */
  price: number;
  channel: string;
  url: string;
  /** Epoch milliseconds. */
  dateTime: number;
  extra: string;
}

/** {@link NexmarkEvent.event_type} of a person. */
export const PERSON = 0;
/** {@link NexmarkEvent.event_type} of an auction. */
export const AUCTION = 1;
/** {@link NexmarkEvent.event_type} of a bid. */
export const BID = 2;
/** A kind of event. */
export type NexmarkEventType = typeof PERSON | typeof AUCTION | typeof BID;

/** One event of the mixed stream: exactly one of the three rows is set. */
export interface NexmarkEvent {
  /** {@link PERSON}, {@link AUCTION} or {@link BID}. */
  event_type: number;
  person: Person | null;
  auction: Auction | null;
  bid: Bid | null;
}

/** The type of {@link Person}. */
export const personType: TypeInformation<Person> = types.row({
  id: types.long,
  name: types.string,
  emailAddress: types.string,
  creditCard: types.string,
  city: types.string,
  state: types.string,
  dateTime: types.timestamp,
  extra: types.string,
});

/** The type of {@link Auction}. */
export const auctionType: TypeInformation<Auction> = types.row({
  id: types.long,
  itemName: types.string,
  description: types.string,
  initialBid: types.long,
  reserve: types.long,
  dateTime: types.timestamp,
  expires: types.timestamp,
  seller: types.long,
  category: types.long,
  extra: types.string,
});

/** The type of {@link Bid}. */
export const bidType: TypeInformation<Bid> = types.row({
  auction: types.long,
  bidder: types.long,
  price: types.long,
  channel: types.string,
  url: types.string,
  dateTime: types.timestamp,
  extra: types.string,
});

/** The type of {@link NexmarkEvent}. */
export const nexmarkEventType: TypeInformation<NexmarkEvent> = types.row({
  event_type: types.int,
  person: types.optional(personType),
  auction: types.optional(auctionType),
  bid: types.optional(bidType),
});
