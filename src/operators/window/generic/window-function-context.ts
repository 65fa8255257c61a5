/**
 * What a window function sees of the window that fires, or goes.
 * Invariant: side outputs have the window's `maxTimestamp`, as results do.
 */
import { MillraceError } from '../../../base/errors.ts';
import type { WindowContext } from '../../../functions/functions.ts';
import type { OutputTag } from '../../../functions/output-tag.ts';
import type { KeyedStateStore } from '../../../functions/state.ts';
import { GLOBAL_WINDOW, type Window } from '../../../functions/windowing/window.ts';
import type { StageContext } from '../../chain-stage.ts';
import { SideOutputs } from '../../side-outputs.ts';
import type { OperatorTime } from './operator-trigger-context.ts';
import { namespaceOf } from './window-namespaces.ts';
import type { WindowStates } from './window-states.ts';

/** What a {@link WindowFunctionContext} is made of. */
export interface WindowFunctionContextParts {
  readonly context: StageContext;
  readonly time: OperatorTime;
  readonly states: WindowStates;
  /** Windows merge: they have no state of their own. */
  readonly isMerging: boolean;
}

/** See the file's head. One per operator. */
export class WindowFunctionContext implements WindowContext<Window> {
  window: Window = GLOBAL_WINDOW;
  readonly #parts: WindowFunctionContextParts;
  readonly #sideOutputs: SideOutputs;

  constructor(parts: WindowFunctionContextParts) {
    this.#parts = parts;
    this.#sideOutputs = new SideOutputs(parts.context);
  }

  currentWatermark(): number {
    return this.#parts.time.currentWatermark();
  }

  currentProcessingTime(): number {
    return this.#parts.time.currentProcessingTime();
  }

  windowState(): KeyedStateStore {
    const { isMerging, states, context } = this.#parts;
    if (!isMerging) return states.of(namespaceOf(this.window));
    const operator = context.operatorName;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `'${operator}' asks for windowState(), but its windows merge, and state of single windows ` +
        'cannot: use globalState(), which belongs to the key',
      { details: { operator } },
    );
  }

  globalState(): KeyedStateStore {
    return this.#parts.states.global;
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#sideOutputs.emit(tag as OutputTag<never>, value, this.window.maxTimestamp);
  }
}
