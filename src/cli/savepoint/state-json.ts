/**
 * Values of state as JSON, so that nothing gets lost: what JSON has no word for becomes text
 * (bigints their digits, bytes Base64, NaN and infinities their names), a map an object if all its
 * keys are text, else pairs.
 */
import { ContentMap } from '../../state/content-map.ts';

/** One value as compact JSON. */
export function stateJson(value: unknown): string {
  return JSON.stringify(jsonValue(value)) ?? 'null';
}

/** A plain text as it is, everything else as JSON: for people and CSV. */
export function stateText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : stateJson(value);
}

/** What `JSON.stringify` writes without loss. */
export function jsonValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      return value === null ? null : jsonObject(value);
    case 'undefined':
      return null;
    default:
      return value;
  }
}

function jsonObject(value: object): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonValue);
  if (value instanceof Map || value instanceof ContentMap) return jsonMap([...value.entries()]);
  if (value instanceof Set) return [...value].map(jsonValue);
  if (value instanceof Date) return value.toISOString();
  return fromPairs(Object.entries(value));
}

function jsonMap(entries: readonly (readonly [unknown, unknown])[]): unknown {
  const isText = entries.every(([key]) => typeof key === 'string');
  if (isText) return fromPairs(entries as readonly (readonly [string, unknown])[]);
  return entries.map(([key, each]) => [jsonValue(key), jsonValue(each)]);
}

/** Without a prototype: a key may be `__proto__`. */
function fromPairs(entries: readonly (readonly [string, unknown])[]): unknown {
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, each] of entries) object[key] = jsonValue(each);
  return object;
}
