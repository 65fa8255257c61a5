/** Checks of streams that are given to other streams. */
import { describeValue } from '../../types/misfit.ts';
import { illegalArgument } from './arguments.ts';
import { StreamHandle } from './stream-context.ts';

/** Fails unless `given` is a stream of the same program. */
export function requireStream(
  stream: StreamHandle,
  given: { readonly handle: StreamHandle } | undefined,
  call: string = 'connect',
): void {
  const handle = given?.handle;
  if (!(handle instanceof StreamHandle)) {
    throw illegalArgument(
      `${call} behind operator '${stream.name}' got ${describeValue(given)}: give a stream of ` +
        `the same environment${call === 'connect' ? ', or stream.broadcast(descriptor)' : ''}`,
    );
  }
  stream.requireSameProgram(handle, call);
}

/** {@link requireStream} of a keyed one. */
export function requireKeyedStream(
  stream: StreamHandle,
  given: { readonly handle: StreamHandle } | undefined,
  call: string,
): void {
  requireStream(stream, given, call);
  if (given?.handle.keySelector !== undefined) return;
  throw illegalArgument(
    `${call} behind operator '${stream.name}' got the stream '${given?.handle.name}' without a ` +
      'key: call keyBy(…) on it first',
  );
}
