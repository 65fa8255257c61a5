/** Where malformed input goes: a side output of the source, with file, offset and cause. */
import { OutputTag } from './output-tag.ts';

/** Input that could not become a record. */
export interface DeadLetter {
  /** The file, topic partition or other place it came from. */
  readonly origin: string;
  /** Byte offset (files) or position within the origin. */
  readonly offset: number;
  /** Why it was refused. */
  readonly cause: string;
  /** The raw input as text (malformed UTF-8 replaced), cut after 64 KiB. */
  readonly raw: string;
}

/** The side output of every source that parses: `stream.getSideOutput(DEAD_LETTERS)`. */
export const DEAD_LETTERS: OutputTag<DeadLetter> = new OutputTag<DeadLetter>('dead-letters');
