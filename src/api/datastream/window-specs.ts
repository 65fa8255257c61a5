/** Which operator does a window's work, and which combinations of its parts cannot work. */
import { MillraceError } from '../../base/errors.ts';
import { AlignedWindows } from '../../functions/windowing/aligned-windows.ts';
import { GlobalWindows } from '../../functions/windowing/global-windows.ts';
import { SessionWindows } from '../../functions/windowing/session-windows.ts';
import type { Trigger } from '../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../functions/windowing/window.ts';
import type { WindowAssigner } from '../../functions/windowing/window-assigner.ts';
import type {
  AnyRecord,
  GenericWindowSpec,
  WindowContents,
  WindowSpec,
} from '../../graph/operator-spec.ts';
import { describeValue } from '../../types/misfit.ts';
import { illegalArgument } from './arguments.ts';

/** What a window was built from; no trigger means the assigner's. */
export type WindowPieces = Omit<GenericWindowSpec, 'kind' | 'trigger'> & {
  readonly trigger: Trigger<AnyRecord, AnyRecord> | undefined;
};

/** The spec: aligned windows of the commonest form have an operator of their own. */
export function windowSpec(pieces: WindowPieces): WindowSpec | GenericWindowSpec {
  const { assigner, trigger, evictor, ...common } = pieces;
  if (isPlainAligned(pieces) && assigner instanceof AlignedWindows)
    return { kind: 'window', assigner, ...common };
  return {
    kind: 'generic-window',
    assigner,
    trigger: trigger ?? (assigner.getDefaultTrigger() as Trigger<AnyRecord, AnyRecord>),
    evictor,
    ...common,
  };
}

function isPlainAligned({ assigner, trigger, evictor, windowFunction }: WindowPieces): boolean {
  return (
    assigner instanceof AlignedWindows &&
    assigner.stagger === 'ALIGNED' &&
    trigger === undefined &&
    evictor === undefined &&
    // It is called for each key whose window goes.
    windowFunction?.clear === undefined
  );
}

/** Flink's name of an assigner. */
export function windowOperatorName(assigner: WindowAssigner<AnyRecord, AnyRecord>): string {
  const given: unknown = assigner;
  if (given instanceof AlignedWindows)
    return `${given.kind === 'tumbling' ? 'Tumbling' : 'Sliding'}${timeName(given)}Windows`;
  if (given instanceof SessionWindows) return `${timeName(given)}SessionWindows`;
  if (given instanceof GlobalWindows) return 'GlobalWindows';
  const { name } = assigner.constructor;
  return name === 'Object' || name === '' ? 'Windows' : name;
}

function timeName({ time }: { readonly time: 'event-time' | 'processing-time' }): string {
  return time === 'event-time' ? 'EventTime' : 'ProcessingTime';
}

const ASSIGNER_METHODS = ['isEventTime', 'assignWindows', 'getDefaultTrigger'] as const;

/** @throws ILLEGAL_ARGUMENT unless `given` is an assigner */
export function requireAssigner(operator: string, given: unknown): void {
  const methods = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (ASSIGNER_METHODS.every((name) => typeof methods[name] === 'function')) return;
  throw illegalArgument(
    `window behind operator '${operator}' got ${describeValue(given)}: give an assigner, ` +
      'for example TumblingEventTimeWindows.of(minutes(1))',
  );
}

/** @throws JOB_GRAPH_INVALID unless the trigger works where windows merge */
export function requireMergingTrigger<T, W extends Window>(
  operator: string,
  trigger: Trigger<T, W>,
): void {
  if (trigger.canMerge?.() === true) return;
  throw new MillraceError(
    'JOB_GRAPH_INVALID',
    `operator '${operator}' has windows that merge, but its trigger ` +
      `${nameOfTrigger(trigger)} cannot: use another trigger, or give yours canMerge() and onMerge(…)`,
    { details: { operator } },
  );
}

function nameOfTrigger(trigger: object): string {
  const { name } = trigger.constructor;
  return name === 'Object' ? '' : name;
}

/** @throws JOB_GRAPH_INVALID unless contents of several windows can become one's */
export function requireMerge(operator: string, contents: WindowContents): void {
  if (contents.kind !== 'aggregate' || typeof contents.function.merge === 'function') return;
  throw new MillraceError(
    'JOB_GRAPH_INVALID',
    `operator '${operator}' has windows that merge, but its AggregateFunction has no ` +
      'merge(a, b): add it, so that the accumulators of two windows can become one',
    { details: { operator } },
  );
}
