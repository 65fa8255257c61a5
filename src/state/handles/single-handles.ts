/**
 * @dataplane The handles of states with one value per key: value, reducing and aggregating.
 *
 * Invariant: a value that is past its time counts as absent for whatever changes it.
 */
import { MillraceError } from '../../base/errors.ts';
import type { AggregateFunction, ReduceFunction } from '../../functions/functions.ts';
import type { AggregatingState, ReducingState, ValueState } from '../../functions/state.ts';
import type { Timed } from '../row-coder.ts';
import type { CurrentRows, Prune } from './current-rows.ts';
import type { TimeToLive } from './time-to-live.ts';

/** What is left of a value. */
export function pruneSingle(ttl: TimeToLive | undefined): Prune {
  return (stored) => (ttl !== undefined && ttl.isExpired(stored as Timed) ? undefined : stored);
}

/** One value of the current key. */
class SingleRow {
  readonly #rows: CurrentRows;
  readonly #ttl: TimeToLive | undefined;

  constructor(rows: CurrentRows, ttl: TimeToLive | undefined) {
    this.#rows = rows;
    this.#ttl = ttl;
  }

  get(): unknown {
    const rows = this.#rows;
    const entry = rows.find();
    if (entry < 0) return undefined;
    const stored = rows.read(entry);
    return this.#ttl === undefined ? stored : this.#getTimed(this.#ttl, entry, stored as Timed);
  }

  set(value: unknown): void {
    this.#write(this.#rows.findOrInsert(), value);
  }

  /** Hands the entry and its value, or undefined, out for a change; {@link finish} ends it. */
  begin(): number {
    return this.#rows.findOrInsert();
  }

  /** The value that is to be changed: undefined if there is none. */
  old(entry: number): unknown {
    const rows = this.#rows;
    if (rows.wasInserted) return undefined;
    const stored = rows.read(entry);
    if (this.#ttl === undefined) return stored;
    const timed = stored as Timed;
    return this.#ttl.isExpired(timed) ? undefined : timed.value;
  }

  finish(entry: number, value: unknown): void {
    this.#write(entry, value);
  }

  clear(): void {
    this.#rows.remove();
  }

  #write(entry: number, value: unknown): void {
    this.#rows.write(entry, this.#ttl === undefined ? value : this.#ttl.wrap(value));
  }

  #getTimed(ttl: TimeToLive, entry: number, stored: Timed): unknown {
    if (ttl.isExpired(stored)) {
      this.#rows.remove();
      return ttl.returnsExpired ? stored.value : undefined;
    }
    if (ttl.updatesOnRead) {
      this.#rows.willUpdate(entry);
      this.#write(entry, stored.value);
    }
    return stored.value;
  }
}

/** See {@link ValueState}. */
export class ValueHandle implements ValueState<unknown> {
  readonly #row: SingleRow;
  readonly #name: string;

  constructor(rows: CurrentRows, ttl: TimeToLive | undefined, name: string) {
    this.#row = new SingleRow(rows, ttl);
    this.#name = name;
  }

  value(): unknown {
    return this.#row.get();
  }

  update(value: unknown): void {
    if (value === undefined) this.#row.clear();
    else if (value === null) refuseNull(this.#name);
    else this.#row.set(value);
  }

  clear(): void {
    this.#row.clear();
  }
}

/** See {@link ReducingState}. */
export class ReducingHandle implements ReducingState<unknown> {
  readonly #row: SingleRow;
  readonly #reduce: ReduceFunction<unknown>;

  constructor(rows: CurrentRows, ttl: TimeToLive | undefined, reduce: ReduceFunction<unknown>) {
    this.#row = new SingleRow(rows, ttl);
    this.#reduce = reduce;
  }

  get(): unknown {
    return this.#row.get();
  }

  add(value: unknown): void {
    const entry = this.#row.begin();
    const old = this.#row.old(entry);
    this.#row.finish(entry, old === undefined ? value : this.#reduce(old, value));
  }

  clear(): void {
    this.#row.clear();
  }
}

/** See {@link AggregatingState}. */
export class AggregatingHandle implements AggregatingState<unknown, unknown> {
  readonly #row: SingleRow;
  readonly #aggregate: AggregateFunction<unknown, unknown, unknown>;

  constructor(
    rows: CurrentRows,
    ttl: TimeToLive | undefined,
    aggregate: AggregateFunction<unknown, unknown, unknown>,
  ) {
    this.#row = new SingleRow(rows, ttl);
    this.#aggregate = aggregate;
  }

  get(): unknown {
    const accumulator = this.#row.get();
    return accumulator === undefined ? undefined : this.#aggregate.getResult(accumulator);
  }

  add(value: unknown): void {
    // Marked first: the function may change the accumulator in place.
    const entry = this.#row.begin();
    const accumulator = this.#row.old(entry) ?? this.#aggregate.createAccumulator();
    this.#row.finish(entry, this.#aggregate.add(value, accumulator));
  }

  clear(): void {
    this.#row.clear();
  }
}

function refuseNull(name: string): never {
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `state '${name}' was to be updated with null, which means absent: call clear() for that`,
    { details: { state: name } },
  );
}
