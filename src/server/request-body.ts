/**
 * Reads the JSON object of a request's body against the fields that a route knows.
 *
 * Invariant: a field that is not known, or not of its kind, is refused by name; nothing of the
 * client's object is copied or iterated but the names, so `__proto__` and its like are only unknown
 * fields.
 */
import type { HttpRequest } from '../base/environment.ts';
import { HTTP_BODY_BYTES_MAX } from '../base/environment.ts';
import { RequestError } from './http-error.ts';

/** What a field may hold: text, a truth value, or one of some words. */
export type FieldKind = 'string' | 'boolean' | readonly string[];

/** The value of a field of that kind. */
type FieldValue<Kind extends FieldKind> = Kind extends 'string'
  ? string
  : Kind extends 'boolean'
    ? boolean
    : Kind extends readonly (infer Word)[]
      ? Word
      : never;

/** The fields of a body; those left out, or null, are undefined. */
export type Fields<Kinds extends Readonly<Record<string, FieldKind>>> = {
  readonly [Name in keyof Kinds]: FieldValue<Kinds[Name]> | undefined;
};

const TEXT_CHARACTERS_MAX = 4096;

/** Reads it; no body is an empty object. */
export function readBody<const Kinds extends Readonly<Record<string, FieldKind>>>(
  request: HttpRequest,
  kinds: Kinds,
): Fields<Kinds> {
  const object = parseObject(request);
  for (const name of Object.keys(object)) {
    if (!Object.hasOwn(kinds, name)) {
      const known = Object.keys(kinds).join(', ');
      throw new RequestError(
        400,
        `the body has an unknown field ${JSON.stringify(name.slice(0, 100))}; it may have ${known}`,
      );
    }
  }
  const fields: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    fields[name] = value === undefined || value === null ? undefined : checked(name, kind, value);
  }
  return fields as Fields<Kinds>;
}

function parseObject({ body, headers }: HttpRequest): Readonly<Record<string, unknown>> {
  if (body === undefined) {
    throw new RequestError(413, `the body is longer than ${HTTP_BODY_BYTES_MAX} bytes`);
  }
  if (body.length === 0) return {};
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new RequestError(415, 'the body must be JSON: send content-type application/json');
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new RequestError(400, 'the body is not valid JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new RequestError(400, 'the body must be a JSON object');
}

function checked(name: string, kind: FieldKind, value: unknown): unknown {
  if (typeof kind !== 'string') {
    const word = typeof value === 'string' ? value.toUpperCase() : '';
    if (kind.includes(word)) return word;
    throw new RequestError(400, `field ${name} must be one of ${kind.join(', ')}`);
  }
  const isFit =
    typeof value === kind &&
    (typeof value !== 'string' || (value.length <= TEXT_CHARACTERS_MAX && !value.includes('\0')));
  if (isFit) return value;
  throw new RequestError(400, `field ${name} must be a ${kind}`);
}
