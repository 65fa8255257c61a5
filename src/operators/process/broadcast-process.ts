/**
 * A stream without keys next to a broadcast one. Every subtask gets all broadcast records and keeps
 * its own copy of broadcast state.
 * Invariant: only the broadcast side changes broadcast state.
 */
import type {
  BroadcastContext,
  ReadOnlyBroadcastContext,
} from '../../functions/process-functions.ts';
import type {
  BroadcastState,
  MapStateDescriptor,
  ReadOnlyBroadcastState,
} from '../../functions/state.ts';
import type { BroadcastProcessSpec } from '../../graph/operator-spec.ts';
import type { ChainStage, StageContext } from '../chain-stage.ts';
import { writeProcessing } from '../process.ts';
import { instanceOf, userObject } from '../user-function.ts';
import { boundMethod } from './co-methods.ts';
import { BroadcastStates } from './broadcast-states.ts';
import { ElementContext } from './element-context.ts';

/** The stage of a stream that is not keyed, connected with a broadcast one. */
export function broadcastProcessStage(spec: BroadcastProcessSpec): ChainStage {
  const { instance } = instanceOf(spec.function);
  const { open, life } = userObject(instance);
  const element = boundMethod(instance, 'processElement');
  const broadcast = boundMethod(instance, 'processBroadcastElement');
  let elementContext: ReadingContext;
  let broadcastContext: WritingContext;
  return {
    kind: 'broadcast-process',
    inputCount: 2,
    keyed: false,
    open: (context) => {
      const states = new BroadcastStates(context, spec.descriptors);
      elementContext = new ReadingContext(context, states);
      broadcastContext = new WritingContext(context, states);
      open(context);
    },
    onRow: (loop, row, input) => {
      if (input === 0) writeProcessing(loop, row, element, elementContext);
      else writeProcessing(loop, row, broadcast, broadcastContext);
    },
    ...life,
  };
}

/** What the side that is not broadcast sees. */
class ReadingContext extends ElementContext implements ReadOnlyBroadcastContext {
  readonly #states: BroadcastStates;

  constructor(context: StageContext, states: BroadcastStates) {
    super(context);
    this.#states = states;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V> {
    return this.#states.getReadOnly(descriptor);
  }
}

/** What the broadcast side sees. */
class WritingContext extends ElementContext implements BroadcastContext {
  readonly #states: BroadcastStates;

  constructor(context: StageContext, states: BroadcastStates) {
    super(context);
    this.#states = states;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    return this.#states.get(descriptor);
  }
}
