/** `millrace/connectors/nexmark`: the events of the Nexmark benchmark, the same at every run. */
export {
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
export { NexmarkGenerator } from './nexmark-generator.ts';
export {
  nexmarkAuctionSource,
  nexmarkBidSource,
  type NexmarkOptions,
  nexmarkPersonSource,
  nexmarkSource,
} from './nexmark-source.ts';
export { type NexmarkTables, nexmarkTables } from './nexmark-tables.ts';
