/**
 * The output side of one edge in one producing subtask: chooses the channel of each row and writes
 * it there.
 *
 * The write function is generated per edge and subtask, so that the key selector, the partitioner
 * and the frame writer are each called from one place only and V8 can inline them. User functions
 * enter as closure constants.
 */
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import { hashKey } from '../../base/hash.ts';
import type { JobEdge } from '../../graph/job-graph.ts';
import { BATCH_ROWS, type Emit } from '../../operators/chain-stage.ts';
import { subtaskFor } from '../../state/key-groups.ts';
import { compile } from '../../types/codec-generation.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import type { OutputChannel } from './channel.ts';
import type { EdgeSchema } from './edge-schema.ts';
import type { CapturedChannel, ChannelId } from './channel-capture.ts';
import { LocalChannel } from './local-channel.ts';

/** What an {@link EdgeOutput} is made of. */
export interface EdgeOutputOptions {
  readonly edge: JobEdge;
  readonly schema: EdgeSchema;
  /** The channels, in the order of the target subtasks that this one is connected to. */
  readonly channels: readonly OutputChannel[];
  /** The channels' names, in the same order; for snapshots. */
  readonly channelIds?: readonly ChannelId[] | undefined;
  /** The current frame writer of each channel to another thread, kept current by its RingOutput. */
  readonly frameWriters: FrameWriter[];
  readonly targetMaxParallelism: number;
  readonly environment: Environment;
}

/** See the file's head. */
export class EdgeOutput {
  readonly edge: JobEdge;
  readonly schema: EdgeSchema;
  readonly channels: readonly OutputChannel[];
  /** Writes a row. */
  readonly write: Emit;
  readonly #channelIds: readonly ChannelId[];
  #stagedSinceMs = 0;

  constructor(options: EdgeOutputOptions) {
    this.#channelIds = options.channelIds ?? [];
    this.edge = options.edge;
    this.schema = options.schema;
    this.channels = options.channels;
    this.write = generateWrite(options);
  }

  /** Whether every channel has room for another batch; moves overflow on. */
  hasCredit(): boolean {
    let all = true;
    for (const channel of this.channels) if (!channel.hasCredit()) all = false;
    return all;
  }

  /** Whether nothing is held back on this side. */
  isDrained(): boolean {
    let all = true;
    for (const channel of this.channels) if (!channel.isDrained()) all = false;
    return all;
  }

  /** Makes all staged rows visible. */
  flush(): void {
    for (const channel of this.channels) channel.flush();
    this.#stagedSinceMs = 0;
  }

  /**
   * Flushes if rows have been staged for the edge's buffer timeout; returns when to ask again, or
   * Infinity.
   */
  flushIfDue(nowMs: number): number {
    const timeoutMs = this.edge.bufferTimeoutMs;
    if (timeoutMs < 0 || this.stagedRows() === 0) {
      this.#stagedSinceMs = 0;
      return Number.POSITIVE_INFINITY;
    }
    if (this.#stagedSinceMs === 0) this.#stagedSinceMs = nowMs;
    const dueMs = this.#stagedSinceMs + timeoutMs;
    if (nowMs < dueMs) return dueMs;
    this.flush();
    return Number.POSITIVE_INFINITY;
  }

  /** Ends a step: the consumers see all that was flushed. */
  publish(): void {
    for (const channel of this.channels) channel.publish();
  }

  stagedRows(): number {
    let rows = 0;
    for (const channel of this.channels) rows += channel.stagedRows();
    return rows;
  }

  writeWatermark(watermark: number): void {
    for (const channel of this.channels) channel.writeWatermark(watermark);
  }

  writeStatus(idle: boolean): void {
    for (const channel of this.channels) channel.writeStatus(idle);
  }

  writeEnd(): void {
    for (const channel of this.channels) channel.writeEnd();
  }

  /**
   * Writes a barrier to every channel; gives what an unaligned one has overtaken. A broadcast
   * edge's is never overtaken: its rows could not be sent again to one channel alone.
   */
  writeBarrier(barrier: CheckpointBarrier): readonly CapturedChannel[] {
    const overtakes = barrier.isUnaligned && this.edge.partitioner.kind !== 'broadcast';
    const captured: CapturedChannel[] = [];
    for (const [index, channel] of this.channels.entries()) {
      const capture = channel.writeBarrier(barrier, overtakes);
      const id = this.#channelIds[index];
      if (capture !== undefined && id !== undefined) captured.push({ id, side: 'output', capture });
    }
    return captured;
  }

  overflowBytes(): number {
    let bytes = 0;
    for (const channel of this.channels) bytes += channel.overflowBytes();
    return bytes;
  }

  close(): void {
    for (const channel of this.channels) channel.close();
  }
}

/** Names and values that the generated function closes over. */
type Constants = Record<string, unknown>;

function generateWrite(options: EdgeOutputOptions): Emit {
  const constants: Constants = {};
  const choose = chooseCode(options, constants);
  const { channels } = options;
  const local = channels.findIndex((channel) => channel instanceof LocalChannel);
  const everyIsLocal = channels.every((channel) => channel instanceof LocalChannel);
  constants['channels'] = channels;
  constants['frameWriters'] = options.frameWriters;
  const hash = options.edge.partitioner.kind === 'hash' ? 'hash' : '0';
  const lines = ['return function write(value, timestamp) {', ...choose.lines];
  if (options.edge.partitioner.kind === 'broadcast') {
    lines.push(
      'for (let index = 0; index < channels.length; index++) channels[index].append(value, timestamp, 0);',
    );
  } else if (channels.length === 1 && everyIsLocal) {
    constants['local'] = channels[0];
    lines.push(...localAppend(hash));
  } else if (everyIsLocal) {
    lines.push(`const local = channels[${choose.index}];`, ...localAppend(hash));
  } else if (local >= 0) {
    constants['local'] = channels[local];
    lines.push(
      `const index = ${choose.index};`,
      `if (index === ${local}) {`,
      ...localAppend(hash),
      '} else {',
      ...ringAppend('index', hash),
      '}',
    );
  } else {
    lines.push(`const index = ${choose.index};`, ...ringAppend('index', hash));
  }
  lines.push('};');
  return compile(`write-edge-${options.edge.index}`, constants, lines.join('\n')) as Emit;
}

function localAppend(hash: string): string[] {
  return [
    'const batch = local.staged, row = batch.count;',
    'batch.values[row] = value;',
    'batch.timestamps[row] = timestamp;',
    `batch.hashes[row] = ${hash};`,
    'batch.count = row + 1;',
    `if (row === ${BATCH_ROWS - 1}) local.flush();`,
  ];
}

function ringAppend(index: string, hash: string): string[] {
  return [
    `const result = frameWriters[${index}].append(value, timestamp, ${hash});`,
    `if (result !== 0) channels[${index}].appended(result, value, timestamp, ${hash});`,
  ];
}

interface ChooseCode {
  readonly lines: string[];
  /** An expression of the index into `channels`. */
  readonly index: string;
}

function chooseCode(options: EdgeOutputOptions, constants: Constants): ChooseCode {
  const { edge, channels, environment } = options;
  const count = channels.length;
  const { partitioner } = edge;
  switch (partitioner.kind) {
    case 'forward':
    case 'global':
    case 'broadcast':
      return { lines: [], index: '0' };
    case 'hash': {
      constants['selectKey'] = edge.keySelector;
      constants['hashKey'] = hashKey;
      constants['subtasks'] = subtaskOfKeyGroup(options.targetMaxParallelism, count);
      const keyGroup = `(hash >>> 0) * ${options.targetMaxParallelism} / 4294967296 | 0`;
      return {
        lines: ['const hash = hashKey(selectKey(value));'],
        index: count === 1 ? '0' : `subtasks[${keyGroup}]`,
      };
    }
    case 'rebalance':
    case 'rescale': {
      // Flink starts each round at a random channel, so that first records do not all meet in subtask 0.
      constants['round'] = { next: environment.random.below(count) };
      const lines = [
        'const turn = round.next;',
        `round.next = turn + 1 === ${count} ? 0 : turn + 1;`,
      ];
      return { lines, index: 'turn' };
    }
    case 'shuffle':
      constants['random'] = environment.random;
      return { lines: [], index: `random.below(${count})` };
    case 'custom':
      constants['partition'] = partitioner.partitioner;
      constants['selectKey'] = partitioner.keySelector;
      constants['checked'] = checkedPartition;
      return { lines: [], index: `checked(partition(selectKey(value), ${count}), ${count})` };
    default:
      return partitioner satisfies never;
  }
}

function subtaskOfKeyGroup(maxParallelism: number, parallelism: number): Uint16Array {
  const subtasks = new Uint16Array(maxParallelism);
  for (let keyGroup = 0; keyGroup < maxParallelism; keyGroup++) {
    subtasks[keyGroup] = subtaskFor(keyGroup, maxParallelism, parallelism);
  }
  return subtasks;
}

function checkedPartition(partition: number, count: number): number {
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a custom partitioner returned ${partition}; it must return a whole number from 0 to ${count - 1}`,
  );
}

/** Makes the channels of an edge known to its output: ring outputs tell their frame writer here. */
export function frameWriterSlot(
  frameWriters: FrameWriter[],
  index: number,
): (writer: FrameWriter) => void {
  return (writer) => {
    frameWriters[index] = writer;
  };
}
