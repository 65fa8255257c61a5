/**
 * From a request's method and target to a route. Invariant: whatever the target holds, the outcome
 * is a route or a RequestError.
 */
import { RequestError } from './http-error.ts';
import { type Route, type RouteName, ROUTES } from './routes.ts';

/** A matched route. */
export interface RouteMatch {
  readonly name: RouteName;
  /** Decoded parts of the path by their names. */
  readonly parts: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
}

/** Longest path and query. */
const TARGET_CHARACTERS_MAX = 4096;

/** Finds the route; 404 if no path fits, 405 with `Allow` if only another method would do. */
export function matchRoute(method: string, target: string): RouteMatch {
  if (target.length > TARGET_CHARACTERS_MAX) {
    throw new RequestError(414, `the path has more than ${TARGET_CHARACTERS_MAX} characters`);
  }
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  const segments = path.split('/');
  const allowed: string[] = [];
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    const parts = partsOf(route.path.split('/'), segments);
    if (parts === undefined) continue;
    if (route.method === method) return { name, parts, query };
    allowed.push(route.method);
  }
  if (allowed.length === 0) throw new RequestError(404, `there is no route ${shown(path)}`);
  const allow = allowed.join(', ');
  const headers = { allow };
  throw new RequestError(405, `${shown(path)} takes ${allow}, not ${shown(method)}`, { headers });
}

function partsOf(
  pattern: readonly string[],
  segments: readonly string[],
): ReadonlyMap<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parts = new Map<string, string>();
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (expected.startsWith(':')) {
      const part = decoded(segment);
      if (part === undefined || part === '') return undefined;
      parts.set(expected.slice(1), part);
    } else if (expected !== segment) {
      return undefined;
    }
  }
  return parts;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** A client's text for a message: short, and without control characters. */
function shown(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 100 ? `${plain.slice(0, 100)}…` : plain;
}
