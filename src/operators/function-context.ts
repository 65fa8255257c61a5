/** What `open` of a user's function gets: the subtask, and keyed state where there is a key. */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { MetricGroup, RuntimeContext } from '../functions/runtime-context.ts';
import type {
  AggregatingState,
  AggregatingStateDescriptor,
  KeyedStateStore,
  ListState,
  ListStateDescriptor,
  MapState,
  MapStateDescriptor,
  ReducingState,
  ReducingStateDescriptor,
  ValueState,
  ValueStateDescriptor,
} from '../functions/state.ts';
import type { StageContext } from './chain-stage.ts';

/** See the file's head. */
export class FunctionContext implements RuntimeContext {
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  readonly environment: Environment;
  readonly metricGroup: MetricGroup;
  readonly #operatorName: string;
  readonly #keyed: KeyedStateStore | undefined;

  /** @param keyed - on keyed operators */
  constructor({ runtimeContext, operatorName }: StageContext, keyed?: KeyedStateStore) {
    this.jobName = runtimeContext.jobName;
    this.taskName = runtimeContext.taskName;
    this.indexOfThisSubtask = runtimeContext.indexOfThisSubtask;
    this.numberOfParallelSubtasks = runtimeContext.numberOfParallelSubtasks;
    this.maxNumberOfParallelSubtasks = runtimeContext.maxNumberOfParallelSubtasks;
    this.environment = runtimeContext.environment;
    this.metricGroup = runtimeContext.metricGroup;
    this.#operatorName = operatorName;
    this.#keyed = keyed;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return this.keyedStore(descriptor.name).getState(descriptor);
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.keyedStore(descriptor.name).getListState(descriptor);
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return this.keyedStore(descriptor.name).getMapState(descriptor);
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.keyedStore(descriptor.name).getReducingState(descriptor);
  }

  getAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT> {
    return this.keyedStore(descriptor.name).getAggregatingState(descriptor);
  }

  /** @throws ILLEGAL_STATE where there is no key */
  keyedStore(stateName?: string): KeyedStateStore {
    if (this.#keyed !== undefined) return this.#keyed;
    const what = stateName === undefined ? 'keyed state' : `keyed state '${stateName}'`;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `'${this.#operatorName}' asks for ${what}, but its stream has no key: call keyBy(…) before ` +
        'it, or keep operator state with initializeState(…) and snapshotState(…)',
      { details: { operator: this.#operatorName, state: stateName } },
    );
  }
}
