/** How the values of a declared state lie in a table, and when two declarations are the same. */
import { typesEqual } from '../types/type-text.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { StateDeclaration } from './keyed-state-backend.ts';
import { OBJECT_LAYOUT, valueLayoutOf } from './table/value-layout.ts';
import type { ValueLayout } from './table/value-layout.ts';

/** The columns of a state's values; undefined: captured from the first one. */
export function layoutOf(declaration: StateDeclaration): ValueLayout | undefined {
  const { kind, layout, hasTtl, valueType } = declaration;
  if (layout !== undefined) return layout;
  if (kind === 'list' || kind === 'map' || hasTtl === true) return OBJECT_LAYOUT;
  return valueType && valueLayoutOf(valueType);
}

/** Whether two declarations of one name want the same. */
export function sameDeclaration(a: StateDeclaration, b: StateDeclaration): boolean {
  return (
    a.kind === b.kind &&
    (a.hasTtl ?? false) === (b.hasTtl ?? false) &&
    sameType(a.keyType, b.keyType) &&
    sameType(a.valueType, b.valueType) &&
    sameType(a.mapKeyType, b.mapKeyType)
  );
}

function sameType(
  a: TypeInformation<unknown> | undefined,
  b: TypeInformation<unknown> | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return typesEqual(a, b);
}
