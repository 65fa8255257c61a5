/**
 * How operator state is spread over subtasks when their number changes; see `restore-plan.ts`.
 * Invariant: over all subtasks, every element of split state is given out exactly once.
 */
import type { OperatorStateSnapshot } from '../state/operator-state-backend.ts';

/** Part `index` of `count` contiguous parts whose sizes differ by at most one. */
export function contiguousPart<T>(
  elements: readonly T[],
  count: number,
  index: number,
): readonly T[] {
  const from = Math.floor((index * elements.length) / count);
  return elements.slice(from, Math.floor(((index + 1) * elements.length) / count));
}

/**
 * What subtask `subtask` of `parallelism` gets of the operator states of the old subtasks, one list
 * each.
 */
export function redistributeOperatorStates(
  old: readonly (readonly OperatorStateSnapshot[])[],
  parallelism: number,
  subtask: number,
): readonly OperatorStateSnapshot[] {
  const byName = new Map<string, OperatorStateSnapshot>();
  for (const state of old.flat()) if (!byName.has(state.name)) byName.set(state.name, state);
  return [...byName.values()].map(({ name, mode }) => {
    const lists = old.map((states) => states.find((state) => state.name === name)?.elements);
    const elements = elementsFor(mode, lists, parallelism, subtask);
    return { name, mode, elements };
  });
}

type Elements = readonly unknown[];

function elementsFor(
  mode: OperatorStateSnapshot['mode'],
  lists: readonly (Elements | undefined)[],
  parallelism: number,
  subtask: number,
): Elements {
  switch (mode) {
    case 'split':
      if (lists.length === parallelism) return lists[subtask] ?? [];
      return contiguousPart(
        lists.flatMap((list) => list ?? []),
        parallelism,
        subtask,
      );
    case 'union':
      return lists.flatMap((list) => list ?? []);
    case 'broadcast': {
      // Subtasks that had finished may have none: the others hold the same.
      const present = lists.filter((list) => list !== undefined);
      return lists[subtask % lists.length] ?? present[subtask % present.length] ?? [];
    }
  }
  return mode satisfies never;
}
