/**
 * The records of a channel that lie between a task's cut and the barrier of its checkpoint on that
 * channel: at an unaligned checkpoint they are part of the snapshot, in order.
 *
 *      records = { kind (int32) │ byteLength (int32) │ bytes, padded to 8 }*    kinds: SCHEMA (id, JSON), FRAME
 *
 * Invariants:
 * 1. Before its first frame a schema is announced, as in a channel.
 * 2. Watermarks and statuses are not kept: what follows on a restore makes its own. An END is not
 *    either: its sender ends again.
 */
import { MillraceError } from '../../base/errors.ts';
import { FRAME_HEADER_BYTES } from '../../types/frame-layout.ts';
import { type FrameMemory, frameMemoryOf } from '../../types/frame-memory.ts';
import { createFrameReader, type FrameReader, frameSchemaId } from '../../types/frame-reader.ts';
import type { ChannelSchema } from './channel.ts';
import { FRAME, SCHEMA } from './element.ts';
import { schemaFromJson } from './schema-registry.ts';

/** Which channel, in words that outlive a change of parallelism. */
export interface ChannelId {
  readonly sourceOperatorId: string;
  readonly targetOperatorId: string;
  readonly tag: string | undefined;
  readonly sourceSubtask: number;
  readonly targetSubtask: number;
  /** Which logical input of the target: two edges may join the same operators. */
  readonly targetInput: number;
}

/** What was captured of a channel: at its consumer (older) or in its producer's overflow queue. */
export interface CapturedChannel {
  readonly id: ChannelId;
  readonly side: 'input' | 'output';
  readonly capture: ChannelCapture;
}

const HEADER_BYTES = 8;
const ROWS_WORD = 2;

/** See the file's head. */
export class ChannelCapture {
  readonly #parts: Uint8Array[] = [];
  readonly #announced = new Set<number>();
  #byteLength = 0;
  rows = 0;

  /** Bytes so far. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Everything, as pieces to write one after the other. */
  get parts(): readonly Uint8Array[] {
    return this.#parts;
  }

  /** Adds a frame, which is copied. */
  addFrame(memory: FrameMemory, offset: number, schema: ChannelSchema): void {
    this.#announce(schema);
    const byteLength = memory.int32[(offset >>> 2) + FRAME_HEADER_BYTES / 4 - 1] ?? 0;
    this.#add(FRAME, memory.bytes.subarray(offset, offset + byteLength));
    this.rows += memory.int32[(offset >>> 2) + ROWS_WORD] ?? 0;
  }

  /** Adds all of another's. */
  append(other: ChannelCapture): void {
    for (const part of other.#parts) this.#parts.push(part);
    for (const id of other.#announced) this.#announced.add(id);
    this.#byteLength += other.#byteLength;
    this.rows += other.rows;
  }

  #announce(schema: ChannelSchema): void {
    if (this.#announced.has(schema.id)) return;
    this.#announced.add(schema.id);
    const json = new TextEncoder().encode(schema.json);
    const bytes = new Uint8Array(8 + json.byteLength);
    new Int32Array(bytes.buffer, 0, 1)[0] = schema.id;
    bytes.set(json, 8);
    this.#add(SCHEMA, bytes);
  }

  #add(kind: number, bytes: Uint8Array): void {
    const record = new Uint8Array(HEADER_BYTES + ((bytes.byteLength + 7) & ~7));
    const header = new Int32Array(record.buffer, 0, 2);
    header[0] = kind;
    header[1] = bytes.byteLength;
    record.set(bytes, HEADER_BYTES);
    this.#parts.push(record);
    this.#byteLength += record.byteLength;
  }
}

/** Gives the rows of captured bytes in order. */
export function replayCapture(
  bytes: Uint8Array,
  visit: (value: unknown, timestamp: number) => void,
): void {
  const copy = new Uint8Array((bytes.byteLength + 7) & ~7);
  copy.set(bytes);
  const memory = frameMemoryOf(copy.buffer);
  const readers = new Map<number, FrameReader>();
  for (let at = 0; at < bytes.byteLength; ) {
    const kind = memory.int32[at >>> 2] ?? 0;
    const byteLength = memory.int32[(at >>> 2) + 1] ?? -1;
    const from = at + HEADER_BYTES;
    if (byteLength < 0 || from + byteLength > bytes.byteLength) throw damaged();
    if (kind === SCHEMA) learn(memory, from, byteLength, readers);
    else if (kind === FRAME) replayFrame(memory, from, readers, visit);
    else throw damaged();
    at = from + ((byteLength + 7) & ~7);
  }
}

function learn(
  memory: FrameMemory,
  from: number,
  byteLength: number,
  readers: Map<number, FrameReader>,
): void {
  const id = memory.int32[from >>> 2] ?? 0;
  const json = new TextDecoder().decode(memory.bytes.subarray(from + 8, from + byteLength));
  readers.set(id, createFrameReader(schemaFromJson(id, json)));
}

function replayFrame(
  memory: FrameMemory,
  from: number,
  readers: ReadonlyMap<number, FrameReader>,
  visit: (value: unknown, timestamp: number) => void,
): void {
  const reader = readers.get(frameSchemaId(memory, from));
  if (reader === undefined) throw damaged();
  const rows = reader.open(memory, from);
  for (let row = 0; row < rows; row++) visit(reader.read(row), reader.timestampAt(row));
}

function damaged(): MillraceError {
  return new MillraceError('FORMAT_INVALID', 'captured records of a channel are damaged');
}
