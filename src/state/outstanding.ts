/**
 * What each checkpoint has taken that is not yet known to be complete.
 *
 * Invariants:
 * 1. A checkpoint takes also what earlier outstanding ones have, so a complete one settles those
 *    before it.
 * 2. What an aborted one has taken goes to the next outstanding one, which has written it, too;
 *    else back to its owner. So a removal never comes back without the row that followed it.
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

  /**
   * Settles a checkpoint and those before it. One that has taken nothing, a savepoint, settles
   * none.
   */
  complete(checkpointId: number): void {
    if (!this.#taken.some((taken) => taken.checkpointId === checkpointId)) return;
    for (let i = this.#taken.length - 1; i >= 0; i--) {
      if ((this.#taken[i]?.checkpointId ?? 0) <= checkpointId) this.#taken.splice(i, 1);
    }
  }

  /**
   * A checkpoint is aborted: gives back what it has taken; undefined if there is nothing, or if
   * `merge` has put it into the next one's.
   */
  abort(checkpointId: number, merge: (aborted: T, next: T) => void): T | undefined {
    const at = this.#taken.findIndex((taken) => taken.checkpointId === checkpointId);
    const [aborted] = at < 0 ? [] : this.#taken.splice(at, 1);
    const next = this.#taken[at];
    if (aborted === undefined || next === undefined) return aborted?.part;
    merge(aborted.part, next.part);
    return undefined;
  }
}
