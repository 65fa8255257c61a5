/** What a frame carries, and the columns of its value. */
import { structureOf, type TypeInformation } from './type-information.ts';

/** A frame's schema: what its id, in every frame, stands for. */
export interface FrameSchema {
  /** Unique in the job; a widened type gets a new one. */
  readonly id: number;
  readonly type: TypeInformation<unknown>;
  /** Whether frames carry the hashes of the records' keys. */
  readonly keyed: boolean;
  /**
   * The producer is known to make no field beyond the type's (the engine's own operators, sources
   * with a schema), so
   * writers need not look for one: 7 of 21 ns for a row of 4 numbers. Rows from user code leave
   * this out.
   */
  readonly hasExactRows?: boolean | undefined;
}

/** One column directly in a frame. */
export interface FrameColumn {
  readonly type: TypeInformation<unknown>;
  /** Bytes per row that it takes at least. */
  readonly fixedBytes: number;
}

/**
 * The columns of a value: rows, and rows directly inside of them, are taken apart into their
 * fields.
 */
export function frameColumns(type: TypeInformation<unknown>): readonly FrameColumn[] {
  const structure = structureOf(type);
  if (structure.kind === 'row' && structure.fields.length > 0) {
    return structure.fields.flatMap((field) => frameColumns(field.type));
  }
  return [{ type, fixedBytes: fixedBytesOf(type) }];
}

/**
 * Whether the generic codec's bytes are in frames of this type; whole numbers may be too large for
 * two words.
 */
export function hasGenericColumn(type: TypeInformation<unknown>): boolean {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'generic':
    case 'bigint':
      return true;
    case 'optional':
      return hasGenericColumn(structure.type);
    case 'array':
      return hasGenericColumn(structure.element);
    case 'map':
      return hasGenericColumn(structure.key) || hasGenericColumn(structure.value);
    case 'row':
      return structure.fields.some((field) => hasGenericColumn(field.type));
    default:
      return false;
  }
}

function fixedBytesOf(type: TypeInformation<unknown>): number {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'long':
    case 'double':
    case 'timestamp':
    case 'bigint':
      return 8;
    case 'boolean':
    case 'nothing':
      return 1;
    case 'optional':
      return 1 + fixedBytesOf(structure.type);
    case 'row':
      return structure.fields.reduce((bytes, field) => bytes + fixedBytesOf(field.type), 1);
    default:
      return 4;
  }
}
