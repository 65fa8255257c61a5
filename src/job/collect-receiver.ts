/**
 * The host's end of the collect rings: decodes frames from the workers into the buffers that the
 * program reads.
 *
 * Invariants:
 * 1. A frame is taken only if its buffer has credit, so a slow reader holds the job back through
 *    the ring.
 * 2. `run` ends after `end`, when every ring has been read empty (or at once after `discard`).
 */
import { MillraceError } from '../base/errors.ts';
import { FRAME, NOTHING } from '../runtime/channel/element.ts';
import { RingInput } from '../runtime/channel/ring-input.ts';
import { Doorbell } from '../runtime/ring/doorbell.ts';
import { RingReader } from '../runtime/ring/ring-reader.ts';
import { createFrameReader, type FrameReader } from '../types/frame-reader.ts';
import type { CollectBuffer } from './collect-buffer.ts';

interface CollectRing {
  readonly input: RingInput;
  readonly buffer: CollectBuffer;
}

function noBarriers(checkpointId: number): never {
  throw new MillraceError('BUG', `barrier ${checkpointId} came to the host's end of a ring`);
}

/** See the file's head. */
export class CollectReceiver {
  readonly #doorbell: Doorbell;
  readonly #doorbells: SharedArrayBuffer;
  readonly #bufferOf: (name: string) => CollectBuffer;
  readonly #rings: CollectRing[] = [];
  readonly #readers = new Map<string, FrameReader>();
  #ending = false;
  #discarding = false;

  constructor(
    doorbell: Doorbell,
    doorbells: SharedArrayBuffer,
    bufferOf: (name: string) => CollectBuffer,
  ) {
    this.#doorbell = doorbell;
    this.#doorbells = doorbells;
    this.#bufferOf = bufferOf;
  }

  /** Adds the ring of a worker. */
  add(name: string, ring: SharedArrayBuffer, worker: number): void {
    const reader = new RingReader(ring, new Doorbell(this.#doorbells, worker));
    this.#rings.push({ input: new RingInput(reader, noBarriers), buffer: this.#bufferOf(name) });
  }

  /** Receives until the end. */
  async run(): Promise<void> {
    while (!this.#discarding) {
      this.#doorbell.prepare();
      if (this.#receiveAll()) {
        this.#doorbell.cancel();
        continue;
      }
      if (this.#discarding || (this.#ending && this.#isEmpty())) {
        this.#doorbell.cancel();
        return;
      }
      await this.#doorbell.waitAsync(Number.POSITIVE_INFINITY);
    }
  }

  /** There will be no more frames than those in the rings. */
  end(): void {
    this.#ending = true;
    this.#doorbell.ring();
  }

  /** Nobody wants the rest. */
  discard(): void {
    this.#discarding = true;
    this.#doorbell.ring();
  }

  /** A buffer has room again. */
  wake(): void {
    this.#doorbell.ring();
  }

  #isEmpty(): boolean {
    return this.#rings.every(({ input }) => input.poll() === NOTHING);
  }

  #receiveAll(): boolean {
    let received = false;
    for (const ring of this.#rings) {
      if (!ring.buffer.hasCredit()) continue;
      const kind = ring.input.poll();
      if (kind === NOTHING) continue;
      if (kind === FRAME) this.#receive(ring);
      ring.input.release();
      received = true;
    }
    return received;
  }

  #receive({ input, buffer }: CollectRing): void {
    const { schema } = input;
    let reader = this.#readers.get(schema.json);
    if (reader === undefined) {
      reader = createFrameReader(schema);
      this.#readers.set(schema.json, reader);
    }
    const rows = reader.open(input.memory, input.offset);
    for (let row = 0; row < rows; row++) buffer.append(reader.read(row));
  }
}
