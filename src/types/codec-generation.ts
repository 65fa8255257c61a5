/**
 * The small kit for generated codecs: text of expressions, and turning text into functions.
 *
 * Invariants:
 * 1. The only user data in generated text are field names, always as JSON string literals. All else
 *    comes in as constants.
 * 2. Each compilation has feedback of its own: V8 shares nothing between two readers of one schema,
 *    so that each can be
 *    inlined into its own loop.
 */

let compilations = 0;

/**
 * Runs `body` as a function whose parameters are the names of `constants`, and returns what it
 * returns.
 *
 * @param name - shown in profiles and stack traces
 */
export function compile(
  name: string,
  constants: Readonly<Record<string, unknown>>,
  body: string,
): unknown {
  // The number makes each source unique: V8 would take the functions of an equal source from its
  // cache, feedback included.
  const source = `'use strict';\n${body}\n//# sourceURL=millrace-${name}-${compilations++}`;
  const make = new Function(...Object.keys(constants), source);
  return make(...Object.values(constants));
}

/** A property access, for any name. */
export function property(object: string, name: string): string {
  return `${object}[${JSON.stringify(name)}]`;
}

/** A call of a column reader's `get`. */
export function fieldRead(column: string, index = 'index'): string {
  return `${column}.get(${index})`;
}

/** An object literal; a computed key makes `__proto__` a field like any other. */
export function objectLiteral(names: readonly string[], values: readonly string[]): string {
  const fields = names.map((name, i) => {
    const literal = JSON.stringify(name);
    return `${name === '__proto__' ? `[${literal}]` : literal}: ${values[i]}`;
  });
  return `{ ${fields.join(', ')} }`;
}
