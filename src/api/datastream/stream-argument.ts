/** Checks of streams that are given to other streams. */
import { describeValue } from '../../types/misfit.ts';
import { illegalArgument } from './arguments.ts';
import { StreamHandle } from './stream-context.ts';

/** Fails unless `given` is a stream of the same program. */
export function requireStream(
  stream: StreamHandle,
  given: { readonly handle: StreamHandle } | undefined,
): void {
  const handle = given?.handle;
  if (!(handle instanceof StreamHandle)) {
    throw illegalArgument(
      `connect behind operator '${stream.name}' got ${describeValue(given)}: give a stream of ` +
        'the same environment, or stream.broadcast(descriptor)',
    );
  }
  stream.requireSameProgram(handle, 'connect');
}
