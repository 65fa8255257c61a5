/**
 * What a window keeps per key and how records come to it.
 */
import type { WindowContents } from '../../graph/operator-spec.ts';
import { captureValueLayout, OBJECT_LAYOUT } from '../../state/table/value-layout.ts';
import { generateFold, rewrite } from '../aggregate/keyed-fold.ts';
import type { KeyedFold } from '../aggregate/keyed-fold.ts';
import { reduceFold } from '../aggregate/reduce-kinds.ts';

/** The fold of a window's contents. */
export function contentsFold(contents: WindowContents, operatorName: string): KeyedFold {
  switch (contents.kind) {
    case 'reduce':
      return reduceFold(contents.reduce, operatorName);
    case 'aggregate':
      return aggregateFold(contents.function);
    case 'elements':
      return elementsFold();
    default:
      return contents satisfies never;
  }
}

/**
 * Accumulators live in columns shaped like a new one, so those of numbers are no objects at all.
 */
function aggregateFold(
  aggregate: Extract<WindowContents, { kind: 'aggregate' }>['function'],
): KeyedFold {
  return generateFold(
    (record) => ({
      constants: { aggregate },
      first: rewrite(`aggregate.add(${record}, aggregate.createAccumulator())`),
      next: rewrite(`aggregate.add(${record}, store.read(entry))`),
    }),
    captureValueLayout(aggregate.createAccumulator()),
  );
}

function elementsFold(): KeyedFold {
  return generateFold(
    (record) => ({
      constants: {},
      first: rewrite(`[${record}]`),
      next: `store.read(entry).push(${record});`,
    }),
    OBJECT_LAYOUT,
  );
}
