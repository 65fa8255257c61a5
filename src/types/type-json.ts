/**
 * Types as JSON, for schema frames and savepoints.
 *
 *     { "version": 1, "type": "int" | { "array": T } | { "map": [K, V] } | { "optional": T }
 *                            | { "row": [["name", T], …] } }
 *
 * Invariants:
 * 1. `typeFromJson(typeToJson(t))` equals `t`; field order is kept, whatever the names.
 * 2. Anything else, another version included, is FORMAT_INVALID.
 */
import { MillraceError } from '../base/errors.ts';
import { describeValue } from './misfit.ts';
import {
  type RowField,
  type ScalarKind,
  structureOf,
  type TypeInformation,
} from './type-information.ts';
import { arrayType, mapType, NOTHING, optionalType, rowType, types } from './types.ts';

/** The version that {@link typeToJson} writes. */
export const TYPE_JSON_VERSION = 1;

/** A type as a JSON value. */
export interface TypeJson {
  readonly version: number;
  readonly type: TypePartJson;
}

/** A type, or a part of one, as a JSON value. */
export type TypePartJson =
  | ScalarKind
  | { readonly array: TypePartJson }
  | { readonly map: readonly [TypePartJson, TypePartJson] }
  | { readonly optional: TypePartJson }
  | { readonly row: readonly (readonly [string, TypePartJson])[] };

const DEPTH_MAX = 100;

const SCALARS: ReadonlyMap<unknown, TypeInformation<unknown>> = new Map<
  unknown,
  TypeInformation<unknown>
>([
  ['int', types.int],
  ['long', types.long],
  ['double', types.double],
  ['boolean', types.boolean],
  ['string', types.string],
  ['bytes', types.bytes],
  ['bigint', types.bigint],
  ['timestamp', types.timestamp],
  ['generic', types.generic()],
  ['nothing', NOTHING],
] satisfies readonly (readonly [ScalarKind, TypeInformation<unknown>])[]);

/** A type as a JSON value with a version. */
export function typeToJson(type: TypeInformation<unknown>): TypeJson {
  return { version: TYPE_JSON_VERSION, type: partToJson(type) };
}

/**
 * The type that {@link typeToJson} wrote.
 *
 * @throws FORMAT_INVALID
 */
export function typeFromJson(json: unknown): TypeInformation<unknown> {
  if (!isObject(json) || json['version'] !== TYPE_JSON_VERSION) {
    const version = isObject(json) ? json['version'] : json;
    throw invalid(
      `version ${describeValue(version)} is unknown, this release reads version ${TYPE_JSON_VERSION}`,
    );
  }
  return partFromJson(json['type'], 0);
}

function partToJson(type: TypeInformation<unknown>): TypePartJson {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'array':
      return { array: partToJson(structure.element) };
    case 'map':
      return { map: [partToJson(structure.key), partToJson(structure.value)] };
    case 'optional':
      return { optional: partToJson(structure.type) };
    case 'row':
      return {
        row: structure.fields.map((field) => [field.name, partToJson(field.type)] as const),
      };
    default:
      return structure.kind;
  }
}

function partFromJson(json: unknown, depth: number): TypeInformation<unknown> {
  const scalar = SCALARS.get(json);
  if (scalar !== undefined) return scalar;
  if (depth >= DEPTH_MAX) throw invalid(`it is nested more than ${DEPTH_MAX} levels deep`);
  const [kind, ...others] = isObject(json) ? Object.keys(json) : [];
  if (!isObject(json) || kind === undefined || others.length > 0)
    throw invalid(`${describeValue(json)} is no type`);
  const part = json[kind];
  switch (kind) {
    case 'array':
      return arrayType(partFromJson(part, depth + 1));
    case 'optional':
      return optionalType(partFromJson(part, depth + 1));
    case 'map':
      if (!Array.isArray(part) || part.length !== 2)
        throw invalid('a map has no key and value type');
      return mapType(partFromJson(part[0], depth + 1), partFromJson(part[1], depth + 1));
    case 'row':
      return rowFromJson(part, depth);
    default:
      throw invalid(`kind '${kind}' is unknown`);
  }
}

function rowFromJson(json: unknown, depth: number): TypeInformation<unknown> {
  if (!Array.isArray(json)) throw invalid('a row has no list of fields');
  const names = new Set<string>();
  const fields = json.map((field: unknown): RowField => {
    if (!Array.isArray(field) || field.length !== 2 || typeof field[0] !== 'string') {
      throw invalid(`${describeValue(field)} is no field of a row`);
    }
    if (names.has(field[0])) throw invalid(`a row has two fields named '${field[0]}'`);
    names.add(field[0]);
    return { name: field[0], type: partFromJson(field[1], depth + 1) };
  });
  return rowType(fields);
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function invalid(how: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `a type description cannot be read: ${how}`);
}
