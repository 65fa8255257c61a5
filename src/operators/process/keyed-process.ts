/**
 * User functions on keyed streams, with the state of the current key: `process` with timers, and
 * `map`, `flatMap` and `filter` of objects with a life. With one input, or with two that are keyed
 * alike and share the state. Invariant: results are in the order of the records; those of a record
 * have its timestamp.
 */
import type { KeyedCoProcessSpec, KeyedProcessSpec } from '../../graph/operator-spec.ts';
import type { RichFunction } from '../../functions/runtime-context.ts';
import type { ChainStage, StageContext } from '../chain-stage.ts';
import { instanceOf, userObject } from '../user-function.ts';
import type { AnyFunction, UserInstance } from '../user-function.ts';
import { boundMethod, coMethods } from './co-methods.ts';
import { KeyedElementContext, TimerContext } from './keyed-contexts.ts';
import { KeyedOperator } from './keyed-operator.ts';
import { keyedRows } from './keyed-rows.ts';
import type { ProcessRows, RowMethod } from './keyed-rows.ts';

/** The stage of a function on a keyed stream. */
export function keyedProcessStage(spec: KeyedProcessSpec): ChainStage {
  const given = instanceOf<RichFunction>(spec.function);
  const methods = [boundMethod(given.instance, spec.method)];
  return keyedFunctionStage({ kind: spec.kind, method: spec.method, given, methods });
}

/** The stage of a function on two streams that are keyed alike. */
export function keyedCoProcessStage(spec: KeyedCoProcessSpec): ChainStage {
  const given = instanceOf<RichFunction>(spec.function);
  const methods = coMethods(given.instance, spec.method);
  return keyedFunctionStage({ kind: spec.kind, method: spec.method, given, methods });
}

interface KeyedFunctionParts {
  readonly kind: string;
  readonly method: RowMethod;
  readonly given: UserInstance<RichFunction>;
  /** By input. */
  readonly methods: readonly AnyFunction[];
}

function keyedFunctionStage(parts: KeyedFunctionParts): ChainStage {
  const { instance } = parts.given;
  const { open, life } = userObject(instance);
  const hasTimers = parts.method === 'processElement';
  let operator: KeyedOperator;
  let rows: readonly ProcessRows[];
  return {
    kind: parts.kind,
    inputCount: parts.methods.length,
    keyed: true,
    isOneToOne: parts.method === 'map',
    open: (context) => {
      operator = new KeyedOperator(context, parts.given);
      if (hasTimers) operator.onTimer(onTimerOf(instance), timerContext(context, operator));
      rows = rowsOf(parts, context, operator);
      open(context, operator.store);
    },
    onBatch: (batch, input) => {
      operator.enter();
      rows[input]?.(batch);
    },
    restore: () => operator.timers.takeOver(),
    ...(hasTimers && {
      onWatermark: (watermark: number) => operator.onWatermark(watermark),
      onProcessingTime: (nowMs: number) => operator.onProcessingTime(nowMs),
    }),
    ...life,
  };
}

/** The function's `onTimer`, bound to it. */
export function onTimerOf(given: object): AnyFunction | undefined {
  return 'onTimer' in given ? boundMethod(given, 'onTimer') : undefined;
}

function timerContext(context: StageContext, operator: KeyedOperator): TimerContext {
  return new TimerContext(context, operator.key, operator.userTimers);
}

function rowsOf(
  { method, methods }: KeyedFunctionParts,
  context: StageContext,
  operator: KeyedOperator,
): readonly ProcessRows[] {
  const { key, userTimers } = operator;
  const elementContext = new KeyedElementContext(context, key, userTimers);
  return methods.map((each, input) =>
    keyedRows({ context, input, method, function: each, key, elementContext }),
  );
}
