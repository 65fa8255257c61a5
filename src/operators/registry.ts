/**
 * From specs to stages: the one place that knows every operator. A kind without a line here does
 * not compile.
 */
import type { OperatorSpec } from '../graph/operator-spec.ts';
import { reduceStage } from './aggregate/reduce.ts';
import type { ChainStage, StageFactory } from './chain-stage.ts';
import { filterStage } from './filter.ts';
import { flatMapStage } from './flat-map.ts';
import { intervalJoinStage } from './join/interval-join.ts';
import { mapStage } from './map.ts';
import { processStage } from './process.ts';
import { broadcastProcessStage } from './process/broadcast-process.ts';
import { coProcessStage } from './process/co-process.ts';
import { keyedBroadcastProcessStage } from './process/keyed-broadcast-process.ts';
import { keyedCoProcessStage, keyedProcessStage } from './process/keyed-process.ts';
import { collectStage } from './sink/collect.ts';
import { sinkStage } from './sink/sink.ts';
import { timestampsAndWatermarksStage } from './source/timestamps-and-watermarks.ts';
import { genericWindowStage } from './window/generic/generic-window.ts';
import { windowStage } from './window/window-operator.ts';

/** Every operator but sources, which the runtime drives itself. */
export type StageSpec = Exclude<OperatorSpec, { readonly kind: 'source' }>;

type StageFactories = {
  readonly [Kind in StageSpec['kind']]: StageFactory<Extract<StageSpec, { readonly kind: Kind }>>;
};

const FACTORIES = {
  map: mapStage,
  filter: filterStage,
  'flat-map': flatMapStage,
  process: processStage,
  'co-process': coProcessStage,
  'keyed-process': keyedProcessStage,
  'keyed-co-process': keyedCoProcessStage,
  'broadcast-process': broadcastProcessStage,
  'keyed-broadcast-process': keyedBroadcastProcessStage,
  'timestamps-and-watermarks': timestampsAndWatermarksStage,
  reduce: reduceStage,
  window: windowStage,
  'generic-window': genericWindowStage,
  'interval-join': intervalJoinStage,
  sink: sinkStage,
  collect: collectStage,
} satisfies StageFactories;

/** The operator of a spec. */
export function stageFor(spec: StageSpec): ChainStage {
  // Safe: the factory under a kind takes specs of that kind.
  const factory = FACTORIES[spec.kind] as StageFactory<StageSpec>;
  return factory(spec);
}
