/**
 * What each checkpoint has taken that is not yet known to be complete.
 *
 * Invariants:
 * 1. A checkpoint takes also what earlier outstanding ones have, so a complete one settles those
 *    before it.
 * 2. What an aborted one has taken goes back to its owner.
 */

/** See the file's head. */
export class Outstanding<T> {
  readonly #taken: { readonly checkpointId: number; readonly part: T }[] = [];

  /** The parts, by the order of their cuts. */
  get parts(): readonly T[] {
    return this.#taken.map(({ part }) => part);
  }

  get isEmpty(): boolean {
    return this.#taken.length === 0;
  }

  /** Notes what a checkpoint has taken. */
  add(checkpointId: number, part: T): void {
    this.#taken.push({ checkpointId, part });
  }

  /** Settles a checkpoint and those before it. */
  complete(checkpointId: number): void {
    for (let i = this.#taken.length - 1; i >= 0; i--) {
      if ((this.#taken[i]?.checkpointId ?? 0) <= checkpointId) this.#taken.splice(i, 1);
    }
  }

  /** Gives back what a checkpoint has taken; undefined if nothing. */
  abort(checkpointId: number): T | undefined {
    const at = this.#taken.findIndex((taken) => taken.checkpointId === checkpointId);
    return at < 0 ? undefined : this.#taken.splice(at, 1)[0]?.part;
  }
}
