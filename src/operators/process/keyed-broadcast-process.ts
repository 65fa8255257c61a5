/**
 * A keyed stream next to a broadcast one: state and timers of the current key on the keyed side,
 * and on the broadcast side the state of all keys.
 *
 * Invariants:
 * 1. Only the broadcast side changes broadcast state; it has no current key and sets no timers.
 * 2. What the broadcast side does to keyed state it does to every key that the subtask has state
 *    of.
 */
import type {
  BroadcastOnTimerContext,
  KeyedBroadcastContext,
  KeyedReadOnlyBroadcastContext,
} from '../../functions/process-functions.ts';
import type {
  BroadcastState,
  MapStateDescriptor,
  ReadOnlyBroadcastState,
} from '../../functions/state.ts';
import type { AnyRecord, KeyedBroadcastProcessSpec } from '../../graph/operator-spec.ts';
import type { ChainStage, StageContext } from '../chain-stage.ts';
import { instanceOf, userObject } from '../user-function.ts';
import type { AnyFunction } from '../user-function.ts';
import { boundMethod } from './co-methods.ts';
import { BroadcastStates } from './broadcast-states.ts';
import { ElementContext } from './element-context.ts';
import { KeyedElementContext, TimerContext } from './keyed-contexts.ts';
import { KeyedOperator } from './keyed-operator.ts';
import { onTimerOf } from './keyed-process.ts';
import { keyedRows } from './keyed-rows.ts';
import type { ProcessRows } from './keyed-rows.ts';

/** The stage of a keyed stream, connected with a broadcast one. */
export function keyedBroadcastProcessStage(spec: KeyedBroadcastProcessSpec): ChainStage {
  const given = instanceOf(spec.function);
  const { open, life } = userObject(given.instance);
  const methods = [
    boundMethod(given.instance, 'processElement'),
    boundMethod(given.instance, 'processBroadcastElement'),
  ];
  let operator: KeyedOperator;
  let rows: readonly ProcessRows[];
  return {
    kind: 'keyed-broadcast-process',
    inputCount: 2,
    keyed: true,
    open: (context) => {
      operator = new KeyedOperator(context, given);
      const states = new BroadcastStates(context, spec.descriptors);
      operator.onTimer(
        onTimerOf(given.instance),
        new BroadcastTimerContext(context, operator, states),
      );
      const { key } = operator;
      const contexts = [
        new KeyedReadingContext(context, operator, states),
        new KeyedWritingContext(context, operator, states),
      ];
      rows = contexts.map((elementContext, input) => {
        const method = methods[input] as AnyFunction;
        return keyedRows({
          context,
          input,
          method: 'processElement',
          function: method,
          key,
          elementContext,
        });
      });
      open(context, operator.store);
    },
    onBatch: (batch, input) => {
      operator.enter();
      rows[input]?.(batch);
    },
    restore: () => operator.timers.takeOver(),
    onWatermark: (watermark) => operator.onWatermark(watermark),
    onProcessingTime: (nowMs) => operator.onProcessingTime(nowMs),
    ...life,
  };
}

/** What the keyed side sees. */
class KeyedReadingContext
  extends KeyedElementContext
  implements KeyedReadOnlyBroadcastContext<unknown>
{
  readonly #states: BroadcastStates;

  constructor(context: StageContext, operator: KeyedOperator, states: BroadcastStates) {
    super(context, operator.key, operator.userTimers);
    this.#states = states;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V> {
    return this.#states.getReadOnly(descriptor);
  }
}

/** What `onTimer` sees. */
class BroadcastTimerContext extends TimerContext implements BroadcastOnTimerContext<unknown> {
  readonly #states: BroadcastStates;

  constructor(context: StageContext, operator: KeyedOperator, states: BroadcastStates) {
    super(context, operator.key, operator.userTimers);
    this.#states = states;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V> {
    return this.#states.getReadOnly(descriptor);
  }
}

/** What the broadcast side sees. */
class KeyedWritingContext extends ElementContext implements KeyedBroadcastContext<unknown> {
  readonly #states: BroadcastStates;
  readonly #operator: KeyedOperator;

  constructor(context: StageContext, operator: KeyedOperator, states: BroadcastStates) {
    super(context);
    this.#operator = operator;
    this.#states = states;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    return this.#states.get(descriptor);
  }

  applyToKeyedState(
    descriptor: AnyRecord,
    visit: (key: AnyRecord, state: AnyRecord) => void,
  ): void {
    const { handles, key } = this.#operator;
    handles.applyToAllKeys(descriptor, visit);
    key.clear();
  }
}
