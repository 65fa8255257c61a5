/** The end of a stream. */
import {
  setMaxParallelism,
  setName,
  setParallelism,
  setSlotSharingGroup,
  setUid,
} from './operator-settings.ts';
import type { StreamHandle } from './stream-context.ts';

/** A sink in the program: nothing follows, but it can be named and spread. */
export class DataStreamSink {
  /** @internal */
  readonly handle: StreamHandle;

  /** @internal */
  constructor(handle: StreamHandle) {
    this.handle = handle;
  }

  /** Names the operator, for people. */
  name(name: string): this {
    setName(this.handle, name);
    return this;
  }

  /** Gives the operator an id that outlives changes of the program. */
  uid(uid: string): this {
    setUid(this.handle, uid);
    return this;
  }

  /** Sets how many subtasks write. */
  setParallelism(parallelism: number): this {
    setParallelism(this.handle, parallelism);
    return this;
  }

  /** Sets the bound of the parallelism. */
  setMaxParallelism(maxParallelism: number): this {
    setMaxParallelism(this.handle, maxParallelism);
    return this;
  }

  /** Sets the slot sharing group; operators of different groups never share a chain. */
  slotSharingGroup(slotSharingGroup: string): this {
    setSlotSharingGroup(this.handle, slotSharingGroup);
    return this;
  }

  /** Keeps the sink out of its input's chain. */
  disableChaining(): this {
    this.handle.change({ chaining: 'never' });
    return this;
  }
}
