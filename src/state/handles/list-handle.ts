/**
 * The handle of a state with a list per key. The stored list is the handle's own: what it gives out
 * is a copy, what it takes is copied, and elements are added in place.
 */
import { MillraceError } from '../../base/errors.ts';
import type { ListState } from '../../functions/state.ts';
import type { Timed } from '../row-coder.ts';
import type { CurrentRows, Prune } from './current-rows.ts';
import type { TimeToLive } from './time-to-live.ts';

/** What is left of a list. */
export function pruneList(ttl: TimeToLive | undefined): Prune {
  return (stored) => {
    const elements = stored as readonly Timed[];
    if (ttl === undefined || !elements.some((element) => ttl.isExpired(element))) return stored;
    const left = elements.filter((element) => !ttl.isExpired(element));
    return left.length === 0 ? undefined : left;
  };
}

/** See the file's head. */
export class ListHandle implements ListState<unknown> {
  readonly #rows: CurrentRows;
  readonly #ttl: TimeToLive | undefined;
  readonly #name: string;

  constructor(rows: CurrentRows, ttl: TimeToLive | undefined, name: string) {
    this.#rows = rows;
    this.#ttl = ttl;
    this.#name = name;
  }

  get(): Iterable<unknown> {
    const entry = this.#rows.find();
    if (entry < 0) return [];
    const stored = this.#rows.read(entry) as readonly unknown[];
    if (this.#ttl === undefined) return stored.slice();
    return this.#getTimed(this.#ttl, entry, stored as readonly Timed[]);
  }

  add(value: unknown): void {
    const element = this.#wrap(value);
    const entry = this.#rows.findOrInsert();
    if (this.#rows.wasInserted) this.#rows.write(entry, [element]);
    else (this.#rows.read(entry) as unknown[]).push(element);
  }

  addAll(values: Iterable<unknown>): void {
    const elements = Array.from(values, (value) => this.#wrap(value));
    if (elements.length === 0) return;
    const entry = this.#rows.findOrInsert();
    if (this.#rows.wasInserted) {
      this.#rows.write(entry, elements);
      return;
    }
    const stored = this.#rows.read(entry) as unknown[];
    for (const element of elements) stored.push(element);
  }

  update(values: Iterable<unknown>): void {
    const elements = Array.from(values, (value) => this.#wrap(value));
    if (elements.length === 0) this.#rows.remove();
    else this.#rows.write(this.#rows.findOrInsert(), elements);
  }

  clear(): void {
    this.#rows.remove();
  }

  #getTimed(ttl: TimeToLive, entry: number, stored: readonly Timed[]): unknown[] {
    const live = stored.filter((element) => !ttl.isExpired(element));
    if (live.length === 0) this.#rows.remove();
    else if (ttl.updatesOnRead || live.length < stored.length) {
      this.#rows.willUpdate(entry);
      const kept = ttl.updatesOnRead ? live.map(({ value }) => ttl.wrap(value)) : live;
      this.#rows.write(entry, kept);
    }
    return (ttl.returnsExpired ? stored : live).map(({ value }) => value);
  }

  #wrap(value: unknown): unknown {
    if (value === null || value === undefined) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `${String(value)} was to be added to list state '${this.#name}': leave such values out`,
        { details: { state: this.#name } },
      );
    }
    return this.#ttl === undefined ? value : this.#ttl.wrap(value);
  }
}
