/** The methods of a function of connected streams, by input. */
import type { CoFunction } from '../../graph/operator-spec.ts';
import type { AnyFunction } from '../user-function.ts';

/** `map1` and `map2`, or what the function has instead, bound to it. */
export function coMethods(
  given: object,
  method: CoFunction['method'],
): readonly [AnyFunction, AnyFunction] {
  return [boundMethod(given, `${method}1`), boundMethod(given, `${method}2`)];
}

/** A method that the API has checked to be there, bound to its object. */
export function boundMethod(given: object, name: string): AnyFunction {
  const methods = given as Readonly<Record<string, AnyFunction>>;
  return (methods[name] as AnyFunction).bind(given);
}
