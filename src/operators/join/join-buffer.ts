/**
 * @dataplane The records of one side of an interval join, per key in the order of their timestamps,
 * equal ones in that of their arrival.
 */
import type { KeyedStateBackend, NamedState } from '../../state/keyed-state-backend.ts';
import { OBJECT_LAYOUT } from '../../state/table/value-layout.ts';
import type { KeyContext } from '../../state/timers/internal-timer-service.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { types } from '../../types/types.ts';

/** A record that waits for its partners. */
export interface BufferedRecord {
  readonly timestamp: number;
  readonly value: unknown;
}

const NONE: readonly BufferedRecord[] = [];

/** See the file's head. */
export class JoinBuffer {
  readonly #state: NamedState;
  readonly #key: KeyContext;

  /** @param type - of the records, where it is known */
  constructor(
    name: string,
    backend: KeyedStateBackend,
    key: KeyContext,
    type: TypeInformation<unknown> | undefined,
  ) {
    this.#key = key;
    this.#state = backend.declare({
      name,
      kind: 'list',
      layout: OBJECT_LAYOUT,
      valueType: type && types.row({ timestamp: types.double, value: type }),
    });
  }

  /** The records of the current key; good until the next change. */
  get records(): readonly BufferedRecord[] {
    const { table } = this.#state;
    const entry = table.find(this.#key.currentKey, this.#key.currentKeyHash);
    return entry < 0 ? NONE : (table.read(entry) as BufferedRecord[]);
  }

  add(record: BufferedRecord): void {
    const { table } = this.#state;
    const entry = table.findOrInsert(this.#key.currentKey, this.#key.currentKeyHash);
    if (table.wasInserted) {
      table.write(entry, [record]);
      return;
    }
    const records = table.read(entry) as BufferedRecord[];
    const place = firstAbove(records, record.timestamp);
    if (place === records.length) records.push(record);
    else records.splice(place, 0, record);
  }

  /** Lets go of the records of one timestamp. */
  remove(timestamp: number): void {
    const { table } = this.#state;
    const { currentKey, currentKeyHash } = this.#key;
    const entry = table.findForUpdate(currentKey, currentKeyHash);
    if (entry < 0) return;
    const records = table.read(entry) as BufferedRecord[];
    const from = firstFrom(records, timestamp);
    const to = firstAbove(records, timestamp);
    if (to - from === records.length) table.remove(currentKey, currentKeyHash);
    else records.splice(from, to - from);
  }
}

/** The place of the first record at or after a time. */
export function firstFrom(records: readonly BufferedRecord[], timestamp: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle] as BufferedRecord).timestamp < timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place of the first record after a time. */
function firstAbove(records: readonly BufferedRecord[], timestamp: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle] as BufferedRecord).timestamp <= timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}
