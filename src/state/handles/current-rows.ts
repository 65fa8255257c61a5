/**
 * @dataplane The row of one state that belongs to the current key, and to the current namespace if
 * there is one: what handles read and write.
 *
 * Invariants:
 * 1. Without a current key nothing is read or written: the call is refused.
 * 2. Rows with a namespace have `[key, namespace]` as key and lie in a table of their own, so they
 *    never meet those without. Their hash is the key's: they move with it.
 */
import { MillraceError } from '../../base/errors.ts';
import type { NamedState, StateTable } from '../keyed-state-backend.ts';
import type { TimeToLive } from './time-to-live.ts';

/** Whose state it is now; one per operator. */
export interface KeyCursor {
  /** Undefined: there is no key. */
  key: unknown;
  hash: number;
  /** Undefined: none. */
  namespace: unknown;
  readonly operatorName: string;
}

/** The namespace in which rows with a namespace lie. */
const NAMESPACED = 'namespaced';
const CLEANUP_MAX = 1024;
const looked = new Int32Array(CLEANUP_MAX);

/**
 * Tells what is left of an entry's value: the value itself, less of it, or undefined for nothing.
 */
export type Prune = (stored: unknown) => unknown;

/** See the file's head. */
export class CurrentRows {
  wasInserted = false;
  readonly #state: NamedState;
  readonly #cursor: KeyCursor;
  readonly #ttl: TimeToLive | undefined;
  readonly #prune: Prune;
  #namespaced: StateTable | undefined;
  /** Where cleaning up in passing goes on. */
  #cleanupAt = 0;

  constructor(state: NamedState, cursor: KeyCursor, ttl: TimeToLive | undefined, prune: Prune) {
    this.#state = state;
    this.#cursor = cursor;
    this.#ttl = ttl;
    this.#prune = prune;
  }

  /** The row to read, or -1. Every access goes through one of these three, so they clean up. */
  find(): number {
    const table = this.#table();
    this.#cleanUp(table);
    return table.find(this.#rowKey(), this.#cursor.hash);
  }

  /** The row to change, or -1. */
  findForUpdate(): number {
    const table = this.#table();
    this.#cleanUp(table);
    return table.findForUpdate(this.#rowKey(), this.#cursor.hash);
  }

  /** The row to change, a new one if there was none: {@link wasInserted}. */
  findOrInsert(): number {
    const table = this.#table();
    this.#cleanUp(table);
    const entry = table.findOrInsert(this.#rowKey(), this.#cursor.hash);
    this.wasInserted = table.wasInserted;
    return entry;
  }

  remove(): void {
    this.#table().remove(this.#rowKey(), this.#cursor.hash);
  }

  read(entry: number): unknown {
    return this.#table().read(entry);
  }

  willUpdate(entry: number): void {
    this.#table().willUpdate(entry);
  }

  write(entry: number, value: unknown): void {
    this.#table().write(entry, value);
  }

  #table(): StateTable {
    const { key, namespace } = this.#cursor;
    if (key === undefined) this.#refuse();
    if (namespace === undefined) return this.#state.table;
    this.#namespaced ??= this.#state.tableOf(NAMESPACED);
    return this.#namespaced;
  }

  #rowKey(): unknown {
    const { key, namespace } = this.#cursor;
    return namespace === undefined ? key : [key, namespace];
  }

  /** Looks at some more entries and lets go of what is past its time. */
  #cleanUp(table: StateTable): void {
    const ttl = this.#ttl;
    if (ttl === undefined || ttl.cleanupEntries === 0) return;
    const limit = Math.min(ttl.cleanupEntries, CLEANUP_MAX);
    const next = table.scan(this.#cleanupAt, limit, looked);
    const count = table.scanned;
    this.#cleanupAt = next < 0 ? 0 : next;
    for (let i = 0; i < count; i++) this.#cleanUpEntry(table, looked[i] as number);
  }

  #cleanUpEntry(table: StateTable, entry: number): void {
    const stored = table.read(entry);
    const left = this.#prune(stored);
    if (left === stored) return;
    if (left === undefined) {
      table.remove(table.keyAt(entry), table.hashAt(entry));
      return;
    }
    table.willUpdate(entry);
    table.write(entry, left);
  }

  #refuse(): never {
    const { operatorName } = this.#cursor;
    const { name } = this.#state;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `state '${name}' of '${operatorName}' is used without a current key: use it where a record or ` +
        `a timer is processed (in open there is no key, and on a broadcast side there is none either)`,
      { details: { operator: operatorName, state: name } },
    );
  }
}
