/** Checks of what users give to the fluent API; every message names the operator and the remedy. */
import { MillraceError } from '../../base/errors.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import { describeValue } from '../../types/misfit.ts';
import { structureOf, type TypeInformation } from '../../types/type-information.ts';

const TYPE_KINDS: ReadonlySet<unknown> = new Set([
  'int',
  'long',
  'double',
  'boolean',
  'string',
  'bytes',
  'bigint',
  'timestamp',
  'generic',
  'nothing',
  'array',
  'map',
  'row',
  'optional',
]);

/** An ILLEGAL_ARGUMENT error. */
export function illegalArgument(message: string): MillraceError {
  return new MillraceError('ILLEGAL_ARGUMENT', message);
}

/**
 * Fails unless `given` is a function, or an object with the method; async functions are refused,
 * since operators are synchronous.
 */
export function requireFunction(operator: string, given: unknown, method?: string): void {
  const called = functionIn(given, method);
  if (called === undefined) {
    const wanted =
      method === undefined ? 'a function' : `a function or an object with ${method}(…)`;
    throw illegalArgument(`operator '${operator}' got ${describeValue(given)}: give ${wanted}`);
  }
  if (!isAsync(called)) return;
  throw illegalArgument(
    `operator '${operator}' got an async function, but operators are synchronous: ` +
      'await outside of the job, or read what you need from a source',
  );
}

/** Fails unless `given` is an object with all of these methods. */
export function requireMethods(operator: string, given: unknown, methods: readonly string[]): void {
  for (const method of methods) {
    const called = typeof given === 'object' ? functionIn(given, method) : undefined;
    if (called !== undefined) {
      requireFunction(operator, called);
      continue;
    }
    throw illegalArgument(
      `operator '${operator}' got ${describeValue(given)} without ${method}(…): give an object ` +
        `with ${methods.join(', ')}`,
    );
  }
}

/** {@link requireMethods} of an object, or of what a function without parameters makes. */
export function requireObject(operator: string, given: unknown, methods: readonly string[]): void {
  const isSupplier =
    typeof given === 'function' && given.length === 0 && !isAsync(given) && !isClass(given);
  requireMethods(operator, isSupplier ? (given as () => unknown)() : given, methods);
}

function isClass(given: object): boolean {
  return Function.prototype.toString.call(given).startsWith('class');
}

function functionIn(given: unknown, method: string | undefined): object | undefined {
  if (typeof given === 'function') return given;
  if (typeof given !== 'object' || given === null || method === undefined) return undefined;
  const inside: unknown = (given as Readonly<Record<string, unknown>>)[method];
  return typeof inside === 'function' ? inside : undefined;
}

function isAsync(given: object): boolean {
  return (
    given.constructor.name === 'AsyncFunction' ||
    given.constructor.name === 'AsyncGeneratorFunction'
  );
}

/** Fails unless `given` is text that is not empty. */
export function requireText(owner: string, what: string, given: unknown): void {
  if (typeof given === 'string' && given.trim() !== '') return;
  throw illegalArgument(
    `${owner} got ${describeValue(given)} as ${what}: give text that is not empty`,
  );
}

/** Fails unless the tag has an id. */
export function requireTag(owner: string, tag: OutputTag<unknown> | undefined): void {
  if (typeof tag === 'object' && tag !== null && typeof tag.id === 'string' && tag.id.trim() !== '')
    return;
  throw illegalArgument(
    `${owner} got a side output tag without an id (${describeValue(tag?.id)}): give new ` +
      `OutputTag('some-name')`,
  );
}

/** Fails unless `value` is a buffer timeout: -1, or milliseconds from 0. */
export function requireBufferTimeout(owner: string, value: number): void {
  if (Number.isInteger(value) && value >= -1) return;
  throw illegalArgument(
    `${owner} got a buffer timeout of ${value}: give whole milliseconds, 0 to flush each record ` +
      'or -1 to flush full buffers',
  );
}

/**
 * Fails unless `type` is a TypeInformation in all its parts.
 *
 * @throws TYPE_NOT_SERIALIZABLE
 */
export function requireType(operator: string, type: TypeInformation<unknown>): void {
  const wrong = firstWithoutCodec(type, '$');
  if (wrong === undefined) return;
  throw new MillraceError(
    'TYPE_NOT_SERIALIZABLE',
    `operator '${operator}' declares a type without a codec at ${wrong.path} ` +
      `(${describeValue(wrong.given)}): ` +
      'give one of types.int, types.string, types.row({…}), …, or types.generic() for plain ' +
      'data of any form',
  );
}

interface WithoutCodec {
  readonly path: string;
  readonly given: unknown;
}

function firstWithoutCodec(type: TypeInformation<unknown>, path: string): WithoutCodec | undefined {
  if (typeof type !== 'object' || type === null || !TYPE_KINDS.has(type.kind))
    return { path, given: type };
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'array':
      return firstWithoutCodec(structure.element, `${path}[]`);
    case 'map':
      return (
        firstWithoutCodec(structure.key, `${path}.key`) ??
        firstWithoutCodec(structure.value, `${path}.value`)
      );
    case 'optional':
      return firstWithoutCodec(structure.type, path);
    case 'row':
      for (const field of structure.fields) {
        const wrong = firstWithoutCodec(field.type, `${path}.${field.name}`);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    default:
      return undefined;
  }
}
