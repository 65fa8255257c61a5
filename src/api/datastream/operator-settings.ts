/** What can be set on an operator, with its checks; shared by operators, sources and sinks. */
import { requireParallelism } from '../../graph/parallelism.ts';
import { illegalArgument, requireBufferTimeout, requireText } from './arguments.ts';
import type { StreamHandle } from './stream-context.ts';

/** Sets the name. */
export function setName(handle: StreamHandle, name: string): void {
  requireText(ownerOf(handle), 'name', name);
  handle.change({ name });
}

/** Sets the uid. */
export function setUid(handle: StreamHandle, uid: string): void {
  requireText(ownerOf(handle), 'uid', uid);
  handle.change({ uid });
}

/** Sets the parallelism. */
export function setParallelism(handle: StreamHandle, parallelism: number): void {
  const owner = ownerOf(handle);
  requireParallelism(owner, 'parallelism', parallelism);
  const { nonParallel } = handle.context.transformations.physical(handle.id);
  if (nonParallel && parallelism !== 1) {
    throw illegalArgument(
      `${owner} is not parallel, but got a parallelism of ${parallelism}: leave out ` +
        'setParallelism or forceNonParallel',
    );
  }
  handle.change({ parallelism });
}

/** Sets the maximum parallelism. */
export function setMaxParallelism(handle: StreamHandle, maxParallelism: number): void {
  requireParallelism(ownerOf(handle), 'maximum parallelism', maxParallelism);
  handle.change({ maxParallelism });
}

/** Sets the slot sharing group. */
export function setSlotSharingGroup(handle: StreamHandle, slotSharingGroup: string): void {
  requireText(ownerOf(handle), 'slot sharing group', slotSharingGroup);
  handle.change({ slotSharingGroup });
}

/** Sets the buffer timeout of the operator's outputs. */
export function setBufferTimeout(handle: StreamHandle, bufferTimeoutMs: number): void {
  requireBufferTimeout(ownerOf(handle), bufferTimeoutMs);
  handle.change({ bufferTimeoutMs });
}

function ownerOf(handle: StreamHandle): string {
  return `operator '${handle.name}'`;
}
