/**
 * The table of user counters' names inside a subtask's block: written by the subtask, read by the
 * host.
 *
 * Invariant: entries are only added; entry i names the counter in cell `counterCell(block, i)`.
 */
import { MillraceError } from '../base/errors.ts';
import {
  type MetricsBlock,
  NAME_BYTES_MAX,
  nameBytesOffset,
  nameCountOffset,
  nameOffset,
  USER_COUNTERS_MAX,
} from './metrics-layout.ts';

/** A user counter of an operator. */
export interface CounterName {
  readonly operator: number;
  readonly name: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Every name registered so far, in the order of their cells. */
export function readCounterNames(block: MetricsBlock, buffer: ArrayBufferLike): CounterName[] {
  const count = Atomics.load(new Int32Array(buffer, nameCountOffset(block), 1), 0);
  return Array.from({ length: count }, (_, index) => readName(buffer, nameOffset(block, index)));
}

/** Adds a name as entry `index`, which must be the first free one, and publishes it. */
export function addCounterName(
  block: MetricsBlock,
  buffer: ArrayBufferLike,
  added: CounterName & { readonly index: number },
): void {
  const { operator, name, index } = added;
  const bytes = encoder.encode(name);
  requireName(name, bytes.length);
  requireRoom(name, index);
  const offset = nameOffset(block, index);
  new Int32Array(buffer, offset, 2).set([operator, bytes.length]);
  new Uint8Array(buffer, nameBytesOffset(offset), bytes.length).set(bytes);
  Atomics.store(new Int32Array(buffer, nameCountOffset(block), 1), 0, index + 1);
}

function readName(buffer: ArrayBufferLike, offset: number): CounterName {
  const [operator = 0, byteLength = 0] = new Int32Array(buffer, offset, 2);
  // A copy, since TextDecoder takes no shared memory.
  const bytes = new Uint8Array(buffer, nameBytesOffset(offset), byteLength).slice();
  return { operator, name: decoder.decode(bytes) };
}

function requireName(name: string, byteLength: number): void {
  if (byteLength > 0 && byteLength <= NAME_BYTES_MAX) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a counter's name has ${byteLength} bytes: '${name}'; give 1 to ${NAME_BYTES_MAX}`,
  );
}

function requireRoom(name: string, index: number): void {
  if (index < USER_COUNTERS_MAX) return;
  throw new MillraceError(
    'ILLEGAL_STATE',
    `counter '${name}' is one too many: a chain's subtask has at most ${USER_COUNTERS_MAX}; ` +
      'count by fewer names, or send per-key counts through a stream',
  );
}
