/** What the tests of channels share: rows in, elements out. */
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { MemoryFileSystem } from '../../base/memory-file-system.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { createFrameReader } from '../../types/frame-reader.ts';
import { allocateRing } from '../ring/memory.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RingWriter } from '../ring/ring-writer.ts';
import type { InputChannel } from './channel.ts';
import type { EdgeSchema } from './edge-schema.ts';
import { ACTIVE, END, FRAME, IDLE, NOTHING, ROWS, WATERMARK } from './element.ts';
import { OverflowQueue } from './overflow-queue.ts';
import { RingInput } from './ring-input.ts';
import { RingOutput } from './ring-output.ts';

/** An element as a test writes it down: a row, a watermark, a status, the end. */
export type Read =
  | { readonly row: unknown; readonly timestamp: number; readonly hash: number }
  | { readonly watermark: number }
  | 'idle'
  | 'active'
  | 'end';

/** Reads and releases the next element; its rows one by one. */
export function readElement(input: InputChannel): Read[] {
  const kind = input.poll();
  const read = readKind(input, kind);
  if (kind !== NOTHING) input.release();
  return read;
}

/** Reads everything that is there. */
export function readAll(input: InputChannel): Read[] {
  const all: Read[] = [];
  while (input.poll() !== NOTHING) all.push(...readElement(input));
  return all;
}

/** Just the rows' values. */
export function valuesOf(read: readonly Read[]): unknown[] {
  return read.flatMap((each) => (typeof each === 'object' && 'row' in each ? [each.row] : []));
}

function readKind(input: InputChannel, kind: number): Read[] {
  switch (kind) {
    case NOTHING:
      return [];
    case ROWS:
      return Array.from({ length: input.batch.count }, (_, row) => ({
        row: input.batch.values[row],
        timestamp: input.batch.timestamps[row] ?? 0,
        hash: input.batch.hashes[row] ?? 0,
      }));
    case FRAME:
      return readFrame(input);
    case WATERMARK:
      return [{ watermark: input.watermark }];
    case IDLE:
      return ['idle'];
    case ACTIVE:
      return ['active'];
    case END:
      return ['end'];
    default:
      throw new RangeError(`kind ${kind} must not reach a task`);
  }
}

function readFrame(input: InputChannel): Read[] {
  const reader = createFrameReader(input.schema);
  const rows = reader.open(input.memory, input.offset);
  return Array.from({ length: rows }, (_, row) => ({
    row: reader.read(row),
    timestamp: reader.timestampAt(row),
    hash: input.schema.keyed ? reader.hashAt(row) : 0,
  }));
}

/** A queue and its disk. */
export interface TestQueue {
  readonly fileSystem: MemoryFileSystem;
  readonly queue: OverflowQueue;
}

/** A queue on a disk in memory. */
export function overflowQueue(bytesMax: number = 1024 * 1024): TestQueue {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  return { fileSystem, queue: new OverflowQueue(fileSystem, bytesMax) };
}

/** Both ends of a ring channel. */
export function ringChannel(
  schema: EdgeSchema,
  ringBytes: number = 4096,
  overflowBytes?: number,
): TestQueue & { readonly output: RingOutput; readonly input: RingInput } {
  const ring = allocateRing(ringBytes);
  const { fileSystem, queue } = overflowQueue(overflowBytes);
  const output = new RingOutput(new RingWriter(ring), schema, queue, () => undefined);
  publishAtOnce(output);
  const input = new RingInput(new RingReader(ring), anyBarrier);
  return { output, input, fileSystem, queue };
}

/** Every write is a step of its own: what was flushed is visible at once. */
export function publishAtOnce(output: RingOutput): void {
  const { flush, isDrained, writeWatermark, writeStatus, writeEnd } = output;
  output.flush = () => {
    flush.call(output);
    output.publish();
  };
  output.isDrained = () => {
    const drained = isDrained.call(output);
    output.publish();
    return drained;
  };
  output.writeWatermark = (watermark) => {
    writeWatermark.call(output, watermark);
    output.publish();
  };
  output.writeStatus = (idle) => {
    writeStatus.call(output, idle);
    output.publish();
  };
  output.writeEnd = () => {
    writeEnd.call(output);
    output.publish();
  };
}

/** The barrier of any checkpoint, for the consumer's end of a ring. */
export function anyBarrier(checkpointId: number): CheckpointBarrier {
  return {
    checkpointId,
    timestamp: 0,
    isSavepoint: false,
    snapshotKind: 'incremental',
    isUnaligned: true,
  };
}
