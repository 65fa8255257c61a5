/**
 * The ends of an operator's channels in a harness: what a test gives, and what comes out, in order.
 *
 * Invariant: nothing is encoded, held back or reordered; rows go by reference.
 */
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { ChannelSchema, InputChannel, OutputChannel } from '../../runtime/channel/channel.ts';
import {
  ACTIVE,
  BARRIER,
  type ElementKind,
  END,
  IDLE,
  NOTHING,
  ROWS,
  WATERMARK,
} from '../../runtime/channel/element.ts';
import { newRowBatch } from '../../runtime/channel/row-batch.ts';
import { BATCH_ROWS, NO_TIMESTAMP, type RowBatch } from '../../operators/chain-stage.ts';
import { assert } from '../../base/assert.ts';
import type { FrameMemory } from '../../types/frame-memory.ts';
import { APPENDED, type FrameWriter } from '../../types/frame-writer.ts';

/** What came out of an operator: a record, a watermark or a watermark status. */
export type HarnessElement<T> =
  | HarnessRecord<T>
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'active' };

/** A record that came out. */
export interface HarnessRecord<T> {
  readonly kind: 'record';
  readonly value: T;
  /** Epoch ms; undefined if the record has none. */
  readonly timestamp: number | undefined;
}

/** A row that goes in; `timestamp` is {@link NO_TIMESTAMP} if it has none. */
export interface HarnessRow {
  readonly value: unknown;
  readonly timestamp: number;
  /** Of its key; 0 where the input is not keyed. */
  readonly hash: number;
}

type Waiting =
  | { readonly kind: typeof ROWS; readonly rows: readonly HarnessRow[] }
  | { readonly kind: typeof WATERMARK; readonly watermark: number }
  | { readonly kind: typeof BARRIER; readonly barrier: CheckpointBarrier }
  | { readonly kind: typeof IDLE | typeof ACTIVE | typeof END };

/** The channel of one input. */
export class HarnessInput implements InputChannel {
  readonly batch: RowBatch = newRowBatch();
  readonly #waiting: Waiting[] = [];
  watermark: number = NO_TIMESTAMP;
  hasEnded = false;
  #barrier: CheckpointBarrier | undefined;

  /** Puts rows behind what waits, at most a batch at a time. */
  putRows(rows: readonly HarnessRow[]): void {
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      this.#waiting.push({ kind: ROWS, rows: rows.slice(from, from + BATCH_ROWS) });
    }
  }

  putWatermark(watermark: number): void {
    this.#waiting.push({ kind: WATERMARK, watermark });
  }

  putStatus(idle: boolean): void {
    this.#waiting.push({ kind: idle ? IDLE : ACTIVE });
  }

  putBarrier(barrier: CheckpointBarrier): void {
    this.#waiting.push({ kind: BARRIER, barrier });
  }

  putEnd(): void {
    this.hasEnded = true;
    this.#waiting.push({ kind: END });
  }

  /** Whether everything given has been taken. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  poll(): ElementKind {
    const next = this.#waiting[0];
    if (next === undefined) return NOTHING;
    if (next.kind === WATERMARK) this.watermark = next.watermark;
    if (next.kind === BARRIER) this.#barrier = next.barrier;
    if (next.kind === ROWS) this.#fill(next.rows);
    return next.kind;
  }

  release(): void {
    this.#waiting.shift();
  }

  captureCurrent(): void {
    noUnaligned();
  }

  captureUnread(): boolean {
    return noUnaligned();
  }

  get barrier(): CheckpointBarrier {
    assert(this.#barrier !== undefined, 'a barrier is asked for where there is none');
    return this.#barrier;
  }

  get memory(): FrameMemory {
    return noFrames();
  }

  get offset(): number {
    return noFrames();
  }

  get schema(): ChannelSchema {
    return noFrames();
  }

  #fill(rows: readonly HarnessRow[]): void {
    const { batch } = this;
    batch.count = rows.length;
    for (const [index, { value, timestamp, hash }] of rows.entries()) {
      batch.values[index] = value;
      batch.timestamps[index] = timestamp;
      batch.hashes[index] = hash;
    }
  }
}

/** The channel of one output. */
export class HarnessOutput implements OutputChannel {
  /** What an edge's generated code writes to in place of a frame. */
  readonly writer: FrameWriter;
  readonly #isAlternating: boolean;
  #elements: HarnessElement<unknown>[] = [];
  #wasAsked = false;
  /** What came behind a barrier whose snapshot was being taken. */
  #later: HarnessElement<unknown>[] | undefined;

  /** With `isAlternating` the channel says that it is full every other time that it is asked. */
  constructor(isAlternating: boolean) {
    this.#isAlternating = isAlternating;
    this.writer = {
      rowCount: 0,
      append: (value, timestamp) => {
        this.append(value, timestamp);
        return APPENDED;
      },
      byteLength: () => 0,
      writeTo: () => 0,
      clear: () => undefined,
    };
  }

  /** Everything since the last {@link HarnessOutput.take}. */
  get elements(): readonly HarnessElement<unknown>[] {
    return this.#elements;
  }

  /** Hands over what came out, and forgets it. */
  take(): readonly HarnessElement<unknown>[] {
    const elements = this.#elements;
    this.#elements = [];
    return elements;
  }

  /** The operator goes on behind the barrier: what it emitted since is seen now. */
  goOn(): void {
    if (this.#later === undefined) return;
    this.#elements.push(...this.#later);
    this.#later = undefined;
  }

  append(value: unknown, timestamp: number): void {
    this.#add({
      kind: 'record',
      value,
      timestamp: timestamp === NO_TIMESTAMP ? undefined : timestamp,
    });
  }

  writeWatermark(watermark: number): void {
    this.#add({ kind: 'watermark', watermark });
  }

  writeStatus(idle: boolean): void {
    this.#add({ kind: idle ? 'idle' : 'active' });
  }

  writeBarrier(): undefined {
    this.#later = [];
    return undefined;
  }

  writeEnd(): void {
    // The end of the output follows from the end of the input.
  }

  #add(element: HarnessElement<unknown>): void {
    (this.#later ?? this.#elements).push(element);
  }

  stagedRows(): number {
    return 0;
  }

  flush(): void {
    // Everything is visible at once.
  }

  publish(): void {
    // Everything is visible at once.
  }

  hasCredit(): boolean {
    if (this.#later !== undefined) return false;
    this.#wasAsked = !this.#wasAsked;
    return !(this.#isAlternating && this.#wasAsked);
  }

  isDrained(): boolean {
    return true;
  }

  overflowBytes(): number {
    return 0;
  }

  close(): void {
    // Nothing is held.
  }
}

function noUnaligned(): never {
  assert(false, () => 'a harness takes aligned snapshots');
  throw new RangeError('unreachable');
}

function noFrames(): never {
  assert(false, () => 'a harness gives rows, no frames');
  throw new RangeError('unreachable');
}
