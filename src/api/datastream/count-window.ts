/**
 * Windows of so many records: global windows, a trigger that counts and, if they slide, an evictor.
 */
import { CountEvictor } from '../../functions/windowing/evictors/count-evictor.ts';
import { GlobalWindows } from '../../functions/windowing/global-windows.ts';
import { CountTrigger } from '../../functions/windowing/triggers/count-trigger.ts';
import { PurgingTrigger } from '../../functions/windowing/triggers/purging-trigger.ts';
import type { GlobalWindow } from '../../functions/windowing/window.ts';
import { illegalArgument } from './arguments.ts';
import type { StreamHandle } from './stream-context.ts';
import { WindowedStream, type WindowSettings } from './windowed-stream.ts';

/** See the file's head. */
export function countWindow<T, K>(
  handle: StreamHandle,
  size: number,
  slide: number | undefined,
  settings: WindowSettings = {},
): WindowedStream<T, K, GlobalWindow> {
  requireCount(handle.name, 'size', size);
  if (slide !== undefined) requireCount(handle.name, 'slide', slide);
  const windowed = new WindowedStream<T, K, GlobalWindow>(handle, GlobalWindows.create(), {
    ...settings,
    name: 'CountWindow',
  });
  if (slide === undefined) return windowed.trigger(PurgingTrigger.of(CountTrigger.of(size)));
  return windowed.trigger(CountTrigger.of(slide)).evictor(CountEvictor.of(size));
}

function requireCount(operator: string, what: string, count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw illegalArgument(
    `countWindow behind operator '${operator}' got a ${what} of ${String(count)}: give a whole ` +
      'number of records above 0',
  );
}
