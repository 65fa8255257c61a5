/**
 * Turns what `keyBy` is given into a key selector, with all checks that can be made before the job
 * runs.
 */
import { MillraceError } from '../../base/errors.ts';
import { fieldKeySelector } from '../../graph/key-fields.ts';
import type { AnyKeySelector } from '../../graph/operator-spec.ts';
import { describeValue } from '../../types/misfit.ts';
import { illegalArgument, requireFunction } from './arguments.ts';
import { requireKeyFields } from './fields.ts';
import type { StreamHandle } from './stream-context.ts';

/**
 * The selector for a function or for names of fields.
 *
 * @throws ILLEGAL_ARGUMENT, KEY_INVALID
 */
export function keySelectorFor(
  stream: StreamHandle,
  method: string,
  by: readonly unknown[],
): AnyKeySelector {
  const [first] = by;
  if (typeof first === 'function' && by.length === 1) {
    requireFunction(`${method} behind ${stream.name}`, first);
    requireNoNullConstant(stream, method, first as AnyKeySelector);
    return first as AnyKeySelector;
  }
  if (by.length === 0 || by.some((field) => typeof field !== 'string')) {
    throw illegalArgument(
      `${method} behind operator '${stream.name}' got ` +
        `${by.map(describeValue).join(', ') || 'nothing'}: ` +
        'give a function, or names of fields',
    );
  }
  const fields = by as readonly string[];
  requireKeyFields(stream.name, stream.type, fields);
  return fieldKeySelector(fields);
}

const WITHOUT_PARAMETERS = /^\(\s*\)\s*=>/;

/** A selector that cannot see the record gives the same key for all: it can be asked now. */
function requireNoNullConstant(
  stream: StreamHandle,
  method: string,
  selector: AnyKeySelector,
): void {
  if (!WITHOUT_PARAMETERS.test(selector.toString())) return;
  const key = (selector as () => unknown)();
  if (key !== null && key !== undefined) return;
  throw new MillraceError(
    'KEY_INVALID',
    `${method} behind operator '${stream.name}' gives ${String(key)} as key of every record: ` +
      'give a selector that returns a number, string or boolean of the record',
  );
}
