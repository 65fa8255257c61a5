/** Types in words and their equality. */
import { unreachable } from '../base/assert.ts';
import { structureOf, type TypeInformation } from './type-information.ts';

/** A type as one line: `row<origin: string, delay: optional<int>>`. */
export function typeToString(type: TypeInformation<unknown>): string {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'array':
      return `array<${typeToString(structure.element)}>`;
    case 'map':
      return `map<${typeToString(structure.key)}, ${typeToString(structure.value)}>`;
    case 'optional':
      return `optional<${typeToString(structure.type)}>`;
    case 'row':
      return `row<${structure.fields.map((field) => `${nameText(field.name)}: ${typeToString(field.type)}`).join(', ')}>`;
    default:
      return structure.kind;
  }
}

/** Whether two types describe the same values in the same layout; a row's field order counts. */
export function typesEqual(a: TypeInformation<unknown>, b: TypeInformation<unknown>): boolean {
  if (a === b) return true;
  const left = structureOf(a);
  const right = structureOf(b);
  switch (left.kind) {
    case 'array':
      return right.kind === 'array' && typesEqual(left.element, right.element);
    case 'map':
      return (
        right.kind === 'map' &&
        typesEqual(left.key, right.key) &&
        typesEqual(left.value, right.value)
      );
    case 'optional':
      return right.kind === 'optional' && typesEqual(left.type, right.type);
    case 'row':
      if (right.kind !== 'row' || left.fields.length !== right.fields.length) return false;
      return left.fields.every((field, index) => {
        const other = right.fields[index];
        return (
          other !== undefined && field.name === other.name && typesEqual(field.type, other.type)
        );
      });
    case 'int':
    case 'long':
    case 'double':
    case 'boolean':
    case 'string':
    case 'bytes':
    case 'bigint':
    case 'timestamp':
    case 'generic':
    case 'nothing':
      return left.kind === right.kind;
    default:
      return unreachable(left satisfies never, 'type');
  }
}

function nameText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
