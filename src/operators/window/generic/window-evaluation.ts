/**
 * From the contents of a window that fires to its results.
 *
 * Invariants:
 * 1. Results have the window's `maxTimestamp`.
 * 2. What a function gets does not change any more, whatever comes to the window later.
 * 3. What an evictor took out is gone from the window, too.
 */
import type {
  EvictorContext,
  TimestampedValue,
} from '../../../functions/windowing/evictors/evictor.ts';
import type { Window } from '../../../functions/windowing/window.ts';
import type { GenericWindowSpec } from '../../../graph/operator-spec.ts';
import type { KeyContext } from '../../../state/timers/internal-timer-service.ts';
import { TimestampedCollector } from '../../timestamped-collector.ts';
import type { StageContext } from '../../chain-stage.ts';
import { type ContentsFold, contentsFold, foldElements } from './contents-fold.ts';
import type { ContentsState } from './contents-state.ts';
import type { OperatorTime } from './operator-trigger-context.ts';
import type { WindowFunctionContext } from './window-function-context.ts';

/** What a {@link WindowEvaluation} is made of. */
export interface WindowEvaluationParts {
  readonly spec: GenericWindowSpec;
  readonly context: StageContext;
  readonly time: OperatorTime;
  readonly key: KeyContext;
  readonly contents: ContentsState;
  /** How the contents are kept. */
  readonly fold: ContentsFold;
  readonly functionContext: WindowFunctionContext;
}

/** See the file's head. One per operator. */
export class WindowEvaluation {
  readonly #parts: WindowEvaluationParts;
  readonly #collector: TimestampedCollector;
  readonly #results: ContentsFold;
  readonly #evictorContext: EvictorContext;

  constructor(parts: WindowEvaluationParts) {
    const { context, spec, time } = parts;
    this.#parts = parts;
    this.#collector = new TimestampedCollector(context.emit);
    this.#results = contentsFold(spec.contents, context.operatorName);
    this.#evictorContext = {
      getCurrentProcessingTime: () => time.currentProcessingTime(),
      getCurrentWatermark: () => time.currentWatermark(),
      getMetricGroup: () => context.runtimeContext.metricGroup,
    };
  }

  /** Fires a window, if it has contents. */
  fire(window: Window, stateNamespace: unknown): void {
    const { spec, contents, fold } = this.#parts;
    const held = contents.get(stateNamespace);
    if (held === undefined) return;
    if (spec.evictor === undefined) this.#evaluate(window, fold.elements(held));
    else this.#fireEvicting(window, stateNamespace, fold.elements(held));
  }

  /** The window goes for good. */
  clear(window: Window): void {
    const { spec, functionContext } = this.#parts;
    if (spec.windowFunction?.clear === undefined) return;
    functionContext.window = window;
    spec.windowFunction.clear(functionContext);
  }

  #fireEvicting(window: Window, stateNamespace: unknown, held: readonly unknown[]): void {
    const { spec, contents } = this.#parts;
    const { evictor } = spec;
    // `fold.elements` has made a copy: evictors change it in place.
    const elements = held as TimestampedValue<unknown>[];
    evictor?.evictBefore(elements, elements.length, window, this.#evictorContext);
    const values = elements.map(({ value }) => value);
    const results = foldElements(this.#results, spec.contents, values);
    // A function of records gets none, too; one of a reduce has nothing to get then.
    if (results.length > 0 || spec.contents.kind === 'elements') this.#evaluate(window, results);
    evictor?.evictAfter(elements, elements.length, window, this.#evictorContext);
    if (elements.length === 0) contents.clear(stateNamespace);
    else contents.set(stateNamespace, elements);
  }

  #evaluate(window: Window, elements: readonly unknown[]): void {
    const { spec, functionContext, key } = this.#parts;
    const collector = this.#collector;
    collector.timestamp = window.maxTimestamp;
    if (spec.windowFunction === undefined) {
      for (const element of elements) collector.collect(element);
      return;
    }
    functionContext.window = window;
    spec.windowFunction.process(key.currentKey, functionContext, elements, collector);
  }
}
