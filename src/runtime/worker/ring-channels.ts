/** The channels of one worker to and from others: rings in shared memory. */
import type { FileSystem } from '../../base/environment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import { OverflowQueue } from '../channel/overflow-queue.ts';
import { RingInput } from '../channel/ring-input.ts';
import { RingOutput } from '../channel/ring-output.ts';
import { Doorbell } from '../ring/doorbell.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RingWriter } from '../ring/ring-writer.ts';
import { keyOf } from './local-channels.ts';
import type { ChannelFactory } from './task-builder.ts';

/** Where the rings are and what their ends need. */
export interface RingChannelsOptions {
  /** The ring of a channel, by its key. */
  readonly ring: (key: string) => SharedArrayBuffer;
  /** One doorbell per worker, by its index. */
  readonly doorbells: SharedArrayBuffer;
  readonly fileSystem: FileSystem;
  readonly overflowBytesMax: number;
  /** The barrier of a checkpoint that is known by its id only. */
  readonly barrierOf: (checkpointId: number) => CheckpointBarrier;
}

/** See the file's head. Subtask i is on worker i, so a channel's ends name their doorbells. */
export function ringChannels(options: RingChannelsOptions): ChannelFactory {
  const { ring, doorbells, fileSystem, overflowBytesMax, barrierOf } = options;
  return {
    output: (place, schema, onNewWriter) => {
      const writer = new RingWriter(ring(keyOf(place)), new Doorbell(doorbells, place.target));
      const overflow = new OverflowQueue(fileSystem, overflowBytesMax);
      return new RingOutput(writer, schema, overflow, onNewWriter);
    },
    input: (place) =>
      new RingInput(
        new RingReader(ring(keyOf(place)), new Doorbell(doorbells, place.source)),
        barrierOf,
      ),
  };
}
