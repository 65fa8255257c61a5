/**
 * The channels of one thread: those with both ends here are local; others are left to a second
 * factory.
 */
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import { LocalChannel } from '../channel/local-channel.ts';
import { OverflowQueue } from '../channel/overflow-queue.ts';
import type { ChannelFactory, ChannelPlace } from './task-builder.ts';

/** What decides whether a channel stays on this thread, and who makes the others. */
export interface LocalChannelsOptions {
  readonly fileSystem: FileSystem;
  readonly overflowBytesMax: number;
  readonly isLocal: (place: ChannelPlace) => boolean;
  readonly remote: ChannelFactory | undefined;
}

/** See the file's head. */
export function localChannels(options: LocalChannelsOptions): ChannelFactory {
  const { fileSystem, overflowBytesMax, isLocal } = options;
  const channels = new Map<string, LocalChannel>();
  const remote = (place: ChannelPlace): ChannelFactory => {
    if (options.remote !== undefined) return options.remote;
    throw new MillraceError('BUG', `channel ${keyOf(place)} has its other end elsewhere`);
  };
  return {
    output: (place, schema, onNewWriter) => {
      if (!isLocal(place)) return remote(place).output(place, schema, onNewWriter);
      const channel = new LocalChannel(schema, new OverflowQueue(fileSystem, overflowBytesMax));
      channels.set(keyOf(place), channel);
      return channel;
    },
    input: (place) => {
      if (!isLocal(place)) return remote(place).input(place);
      const channel = channels.get(keyOf(place));
      if (channel !== undefined) return channel;
      throw new MillraceError('BUG', `channel ${keyOf(place)} has no producer yet`);
    },
  };
}

/** A channel's name: edge, source and target subtask. */
export function keyOf(place: ChannelPlace): string {
  return `${place.edge.index}/${place.source}/${place.target}`;
}
