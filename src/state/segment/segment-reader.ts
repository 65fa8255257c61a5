/**
 * Reads a segment into a sink, only the rows that are asked for.
 *
 * Invariant: whatever the bytes say, nothing outside of them is read. {@link verifySegment} comes
 * first, once per file: a segment that is not whole is refused before its first row is given.
 */
import { hasErrorCode } from '../../base/errors.ts';
import { ByteReader } from '../../types/row-codec.ts';
import type { RowSink } from '../cold-state.ts';
import type { IndexRange } from '../key-groups.ts';
import type { Namespace } from '../keyed-state-backend.ts';
import {
  damagedSegment,
  HEAD_BYTES,
  KIND_DROP,
  KIND_END,
  KIND_PUT,
  KIND_REMOVE,
  NO_NAMESPACE,
  NUMBER_NAMESPACE,
  SEGMENT_END_MAGIC,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  STRING_NAMESPACE,
  TAIL_BYTES,
} from './segment-format.ts';

/** What is wanted of a segment. */
export interface SegmentFilter {
  /** Unsigned hashes. */
  readonly hashes: IndexRange;
  /** Whether the rows of a state are wanted; all if left out. */
  readonly wants?: ((stateIndex: number) => boolean) | undefined;
}

/** A section's head. */
interface SectionHead {
  readonly kind: number;
  readonly stateIndex: number;
  readonly namespace: Namespace | undefined;
  readonly rows: number;
  readonly end: number;
}

/** Gives the rows of a segment that was verified, in their order. */
export function readSegment(bytes: Uint8Array, filter: SegmentFilter, sink: RowSink): void {
  const reader = new ByteReader(bytes);
  reader.open(bytes, HEAD_BYTES);
  for (let head = readHead(reader); head.kind !== KIND_END; head = readHead(reader)) {
    if (filter.wants?.(head.stateIndex) ?? true) readSection(reader, head, filter.hashes, sink);
    reader.position = head.end;
  }
}

/** Counts the rows of a state by namespace, without reading them; the segment was verified. */
export function countRows(
  bytes: Uint8Array,
  stateIndex: number,
  counts: Map<Namespace | undefined, number>,
): void {
  const reader = new ByteReader(bytes);
  reader.open(bytes, HEAD_BYTES);
  for (let head = readHead(reader); head.kind !== KIND_END; head = readHead(reader)) {
    const { kind, namespace, rows } = head;
    if (kind === KIND_PUT && head.stateIndex === stateIndex) {
      counts.set(namespace, (counts.get(namespace) ?? 0) + rows);
    }
    reader.position = head.end;
  }
}

/**
 * Refuses a segment that is not whole.
 *
 * @throws CHECKPOINT_DAMAGED
 */
export function verifySegment(bytes: Uint8Array): void {
  const reader = new ByteReader(bytes);
  try {
    verifyEnds(bytes, reader);
    verifySections(bytes, reader);
  } catch (error) {
    if (hasErrorCode(error, 'CHECKPOINT_DAMAGED')) throw error;
    throw damagedSegment('it cannot be read', error);
  }
}

function verifyEnds(bytes: Uint8Array, reader: ByteReader): void {
  if (!startsWith(bytes, 0, SEGMENT_MAGIC)) throw damagedSegment('it does not begin as one');
  reader.open(bytes, 4);
  const version = reader.byte();
  if (version !== SEGMENT_VERSION) {
    throw damagedSegment(`its version is ${version}, not ${SEGMENT_VERSION}`);
  }
  const isWhole =
    bytes.length >= HEAD_BYTES + TAIL_BYTES &&
    startsWith(bytes, bytes.length - 4, SEGMENT_END_MAGIC);
  if (!isWhole) throw damagedSegment('its end is missing');
}

/** The chain of sections leads to the end marker, and the counts are right. */
function verifySections(bytes: Uint8Array, reader: ByteReader): void {
  reader.open(bytes, HEAD_BYTES);
  let sections = 0;
  let rows = 0;
  for (let head = readHead(reader); head.kind !== KIND_END; head = readHead(reader)) {
    if (head.kind < KIND_DROP || head.kind > KIND_PUT) {
      throw damagedSegment(`section ${sections} has kind ${head.kind}`);
    }
    if (head.end > bytes.length - TAIL_BYTES) throw damagedSegment('a section is too long');
    sections++;
    rows += head.rows;
    reader.position = head.end;
  }
  const counts = [reader.u32(), reader.u32()];
  if (counts[0] !== sections || counts[1] !== rows || reader.left !== 4) {
    throw damagedSegment(`${sections} sections, ${rows} rows; its end says ${counts.join(', ')}`);
  }
}

function readHead(reader: ByteReader): SectionHead {
  const kind = reader.byte();
  if (kind === KIND_END) return { kind, stateIndex: -1, namespace: undefined, rows: 0, end: 0 };
  const stateIndex = reader.varint();
  const namespace = readNamespace(reader);
  const rows = reader.u32();
  const length = reader.u32();
  return { kind, stateIndex, namespace, rows, end: reader.position + length };
}

function readNamespace(reader: ByteReader): Namespace | undefined {
  const kind = reader.byte();
  if (kind === NO_NAMESPACE) return undefined;
  if (kind === NUMBER_NAMESPACE) return reader.f64();
  if (kind === STRING_NAMESPACE) return reader.string();
  throw damagedSegment(`a namespace has kind ${kind}`);
}

function readSection(
  reader: ByteReader,
  section: SectionHead,
  hashes: IndexRange,
  sink: RowSink,
): void {
  if (section.kind === KIND_DROP) return sink.drop(section);
  const { bytes } = reader;
  for (let row = 0; row < section.rows; row++) {
    const hash = reader.u32();
    const keyLength = reader.varint();
    const valueLength = section.kind === KIND_PUT ? reader.varint() : 0;
    const from = reader.position;
    const valueFrom = from + keyLength;
    const to = valueFrom + valueLength;
    if (to > section.end) throw damagedSegment(`row ${row} of a section is too long`);
    reader.position = to;
    if (hash < hashes.first || hash > hashes.last) continue;
    if (section.kind === KIND_REMOVE) sink.remove(section, hash | 0, bytes, from, to);
    else sink.put(section, hash | 0, bytes, from, valueFrom, to);
  }
}

function startsWith(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte);
}
