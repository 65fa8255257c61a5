/**
 * The states of one backend, declared or restored.
 *
 * Invariants:
 * 1. The number of a state within snapshots is its for life; files that are read together agree on
 *    it.
 * 2. A state that was restored and that nobody has declared yet is opened with what its rows say,
 *    at the first snapshot at the latest, and is part of the snapshots from then on.
 */
import { MillraceError } from '../base/errors.ts';
import type { ColdTier } from './cold-state.ts';
import type { IndexRange } from './key-groups.ts';
import type { NamedState, StateDeclaration } from './keyed-state-backend.ts';
import { NamedTables } from './named-tables.ts';
import type { RestoredState } from './restored-state.ts';
import { RowCoder } from './row-coder.ts';
import type { StateMeta } from './snapshot.ts';
import { layoutOf, sameDeclaration } from './state-layout.ts';

/** A state, and how it came to be. */
export interface OpenedState {
  readonly state: NamedTables;
  readonly coder: RowCoder;
  /** Nobody has declared it: its types are those of its rows. */
  readonly isGuessed: boolean;
}

/** What a {@link OpenedStates} is made with. */
export interface OpenedStatesParts {
  readonly operatorName: string;
  readonly hashes: IndexRange;
  readonly isTracking: boolean;
  readonly cold: ColdTier | undefined;
  /** Wall clock. */
  readonly now: () => number;
  /**
   * Rows are written in another form from now on: older files cannot be read together with newer
   * ones.
   */
  readonly onFormChanged: () => void;
  /** A restored state has been opened, empty: the place to put rows into it. */
  readonly onRestored: (opened: OpenedState, meta: StateMeta) => void;
  /**
   * Somebody declares a state that was opened without a declaration; sees to it that its rows'
   * schemas are known.
   */
  readonly beforeTakeOver: (from: OpenedState) => void;
  /** Then moves its rows. */
  readonly takeOver: (from: OpenedState, to: OpenedState) => void;
}

/** See the file's head. */
export class OpenedStates {
  restored: RestoredState | undefined;
  readonly #parts: OpenedStatesParts;
  readonly #opened = new Map<string, OpenedState>();
  /** Names by number. */
  readonly #names: string[] = [];

  constructor(parts: OpenedStatesParts) {
    this.#parts = parts;
  }

  /** All states by number; every restored one is opened first. */
  all(): readonly OpenedState[] {
    this.#openRest();
    return this.#names.map((name) => this.#opened.get(name) as OpenedState);
  }

  /** The states that are open now. */
  tables(): readonly NamedTables[] {
    return [...this.#opened.values()].map(({ state }) => state);
  }

  /** States get the numbers that an earlier snapshot gave them. */
  keepNumbers(names: readonly string[]): void {
    const others = this.#names.filter((name) => !names.includes(name));
    this.#names.splice(0, this.#names.length, ...names, ...others);
  }

  /** States that were declared before the restore get their rows. */
  fillDeclared(): void {
    for (const { state } of this.#opened.values()) {
      const { declaration, name } = state;
      const meta = this.restored?.metaOf(name);
      const coder = this.#coder(declaration, meta);
      state.rebind(this.#names.indexOf(name), coder);
      const opened = { state, coder, isGuessed: false };
      this.#opened.set(name, opened);
      if (meta !== undefined) this.#parts.onRestored(opened, meta);
    }
  }

  declare(declaration: StateDeclaration): NamedState {
    const opened = this.#opened.get(declaration.name);
    if (opened === undefined) return this.#open(declaration, false).state;
    if (opened.isGuessed) return this.#redeclare(declaration, opened).state;
    if (!sameDeclaration(opened.state.declaration, declaration)) this.#refuse(declaration);
    return opened.state;
  }

  /** Bytes in memory. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const { state } of this.#opened.values()) bytes += state.memoryBytes;
    return bytes;
  }

  complete(checkpointId: number): void {
    for (const { state } of this.#opened.values()) state.complete(checkpointId);
  }

  abort(checkpointId: number): void {
    for (const { state } of this.#opened.values()) state.abort(checkpointId);
  }

  clear(): void {
    this.#opened.clear();
    this.restored = undefined;
  }

  #openRest(): void {
    for (const name of this.restored?.names ?? []) {
      const meta = this.restored?.metaOf(name);
      if (meta !== undefined) this.#open({ name, kind: meta.kind, hasTtl: meta.hasTtl }, true);
    }
  }

  #open(declaration: StateDeclaration, isGuessed: boolean): OpenedState {
    const { name } = declaration;
    const meta = this.restored?.metaOf(name);
    const opened = this.#make(declaration, meta, isGuessed);
    this.#opened.set(name, opened);
    if (meta !== undefined) this.#parts.onRestored(opened, meta);
    return opened;
  }

  /** An empty state; what was written of it before has the schemas of `meta`. */
  #make(
    declaration: StateDeclaration,
    meta: StateMeta | undefined,
    isGuessed: boolean,
  ): OpenedState {
    const { hashes, isTracking, cold } = this.#parts;
    const { name } = declaration;
    const coder = this.#coder(declaration, meta);
    if (!this.#names.includes(name)) this.#names.push(name);
    const state = new NamedTables({
      declaration,
      stateIndex: this.#names.indexOf(name),
      encoder: coder,
      layout: layoutOf(declaration),
      hashes,
      isTracking,
      cold,
    });
    return { state, coder, isGuessed };
  }

  #coder(declaration: StateDeclaration, meta: StateMeta | undefined): RowCoder {
    const { now, onFormChanged } = this.#parts;
    if (meta !== undefined && meta.hasTtl !== (declaration.hasTtl === true)) onFormChanged();
    return new RowCoder({ declaration, restored: meta, now });
  }

  #redeclare(declaration: StateDeclaration, guessed: OpenedState): OpenedState {
    this.#parts.beforeTakeOver(guessed);
    const { meta } = guessed.coder;
    if (meta.kind !== declaration.kind) this.#refuse(declaration);
    const opened = this.#make(declaration, meta, false);
    this.#parts.takeOver(guessed, opened);
    this.#opened.set(declaration.name, opened);
    return opened;
  }

  #refuse(declaration: StateDeclaration): never {
    const { operatorName } = this.#parts;
    const { name, kind } = declaration;
    throw new MillraceError(
      'STATE_INCOMPATIBLE',
      `state '${name}' of '${operatorName}' exists with another kind or type, but is ` +
        `declared as ${kind} state: give each state a name of its own`,
      { details: { operator: operatorName, state: name, kind } },
    );
  }
}
