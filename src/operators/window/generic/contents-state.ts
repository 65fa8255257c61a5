/**
 * What windows hold, one row per key and window.
 * Invariant: contents are looked up to be changed before a function of the user's gets them, since
 * it may change them in place.
 */
import type {
  KeyedStateBackend,
  NamedState,
  StateTable,
} from '../../../state/keyed-state-backend.ts';
import { OBJECT_LAYOUT } from '../../../state/table/value-layout.ts';
import type { TypeInformation } from '../../../types/type-information.ts';
import type { KeyContext } from '../../../state/timers/internal-timer-service.ts';
import type { ContentsFold } from './contents-fold.ts';

/** What a {@link ContentsState} is made of. */
export interface ContentsStateOptions {
  readonly backend: KeyedStateBackend;
  readonly key: KeyContext;
  readonly fold: ContentsFold;
  /** Of a record kept as it is. */
  readonly valueType: TypeInformation<unknown> | undefined;
}

/** See the file's head. `namespace` is a window's; undefined where windows have none. */
export class ContentsState {
  readonly #state: NamedState;
  readonly #key: KeyContext;
  readonly #fold: ContentsFold;
  readonly #isList: boolean;

  constructor({ backend, key, fold, valueType }: ContentsStateOptions) {
    this.#key = key;
    this.#fold = fold;
    this.#isList = fold.kind === 'list';
    this.#state = backend.declare({
      name: 'generic-window-contents',
      kind: fold.kind,
      valueType,
      layout: this.#isList ? OBJECT_LAYOUT : undefined,
    });
  }

  add(namespace: unknown, value: unknown, timestamp: number): void {
    const table = this.#state.table;
    const entry = table.findOrInsert(this.#rowKey(namespace), this.#key.currentKeyHash);
    if (table.wasInserted) {
      table.write(entry, this.#fold.first(value, timestamp));
      return;
    }
    const contents = this.#fold.next(table.read(entry), value, timestamp);
    // A list is kept by reference and has grown; what else is read may be a copy from columns.
    if (!this.#isList) table.write(entry, contents);
  }

  /** What a window holds; undefined if nothing. */
  get(namespace: unknown): unknown {
    const table = this.#state.table;
    const entry = table.findForUpdate(this.#rowKey(namespace), this.#key.currentKeyHash);
    return entry < 0 ? undefined : table.read(entry);
  }

  set(namespace: unknown, contents: unknown): void {
    const table = this.#state.table;
    table.write(this.#insert(table, namespace), contents);
  }

  clear(namespace: unknown): void {
    this.#state.table.remove(this.#rowKey(namespace), this.#key.currentKeyHash);
  }

  /** Moves what the windows `from` hold into another. */
  merge(into: unknown, from: readonly unknown[]): void {
    for (const namespace of from) {
      const others = this.get(namespace);
      if (others === undefined) continue;
      this.clear(namespace);
      const contents = this.get(into);
      this.set(into, contents === undefined ? others : this.#fold.merge(contents, others));
    }
  }

  #insert(table: StateTable, namespace: unknown): number {
    return table.findOrInsert(this.#rowKey(namespace), this.#key.currentKeyHash);
  }

  #rowKey(namespace: unknown): unknown {
    const { currentKey } = this.#key;
    return namespace === undefined ? currentKey : [currentKey, namespace];
  }
}
