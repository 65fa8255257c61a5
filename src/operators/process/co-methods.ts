/** The methods of a function of connected streams, by input. */
import type { CoFunction, KeyedCoProcessSpec } from '../../graph/operator-spec.ts';
import type { AnyFunction } from '../user-function.ts';

/** `map1` and `map2`, or what the function has instead, bound to it. */
export function coMethods({
  method,
  function: given,
}: CoFunction | KeyedCoProcessSpec): readonly [AnyFunction, AnyFunction] {
  // Safe: the API has checked that the methods are there.
  const methods = given as unknown as Readonly<Record<string, AnyFunction>>;
  return [bound(methods, `${method}1`), bound(methods, `${method}2`)];
}

function bound(methods: Readonly<Record<string, AnyFunction>>, name: string): AnyFunction {
  return (methods[name] as AnyFunction).bind(methods);
}
