/**
 * What `millrace` and `millrace/native-free` have in common: every public name, the built-in connectors, the inline executor.
 * Nothing here needs a package.
 */
import { realEnvironment } from './base/real-environment.ts';
import { asyncIterableSource } from './connectors/async-iterable/index.ts';
import { collectionSource } from './connectors/collection/index.ts';
import { printSink } from './connectors/print/index.ts';
import { sequenceSource } from './connectors/sequence/index.ts';
import { registerBuiltIns } from './graph/built-ins.ts';
import { registerJobExecutor } from './graph/job-client.ts';
import { inlineExecutor } from './job/inline-executor.ts';

registerBuiltIns({
  environment: realEnvironment,
  collectionSource,
  sequenceSource,
  asyncIterableSource,
  printSink,
});
registerJobExecutor('inline', inlineExecutor);

// Programs
export type { CloseableIterator } from './api/datastream/collect-iterator.ts';
export {
  BroadcastConnectedStream,
  KeyedBroadcastConnectedStream,
} from './api/datastream/broadcast-connected-stream.ts';
export { BroadcastStream } from './api/datastream/broadcast-stream.ts';
export { ConnectedStreams, KeyedConnectedStreams } from './api/datastream/connected-streams.ts';
export { DataStream } from './api/datastream/data-stream.ts';
export { DataStreamSink } from './api/datastream/data-stream-sink.ts';
export { DataStreamSource } from './api/datastream/data-stream-source.ts';
export type { FieldOf, NumericFieldArguments, NumericFieldOf } from './api/datastream/fields.ts';
export { KeyedStream } from './api/datastream/keyed-stream.ts';
export { SingleOutputStreamOperator } from './api/datastream/single-output-stream-operator.ts';
export {
  type ExecutionEnvironmentOptions,
  StreamExecutionEnvironment,
} from './api/datastream/stream-execution-environment.ts';
export { AllWindowedStream } from './api/datastream/all-windowed-stream.ts';
export { IntervalJoin, IntervalJoined } from './api/datastream/interval-join.ts';
export {
  JoinedEqualTo,
  JoinedStreams,
  JoinedWhere,
  type KeyFieldOf,
  WindowCoGroup,
  type WindowedSides,
  WindowJoin,
} from './api/datastream/joined-streams.ts';
export type { TaggedUnion } from './api/datastream/tagged-union.ts';
export { WindowedStream } from './api/datastream/windowed-stream.ts';

// Running jobs
export { executeJobModule, type JobModuleOptions } from './job/execute-job-module.ts';
export type { JobMain } from './job/job-module.ts';
export type { ExecutorName, PipelineConfiguration } from './graph/configuration.ts';
export type {
  CheckpointInfo,
  CheckpointStatistics,
  JobClient,
  JobExecutionResult,
  JobMetrics,
  JobStatus,
  OperatorMetrics,
  SavepointOptions,
  StopOptions,
  VertexMetrics,
} from './graph/job-client.ts';

// What users implement and receive
export type { Collector, SideOutput } from './functions/collector.ts';
export { DEAD_LETTERS, type DeadLetter } from './functions/dead-letter.ts';
export type {
  AggregateFunction,
  FilterFunction,
  FlatMapFunction,
  KeySelector,
  MapFunction,
  Partitioner,
  ProcessAllWindowFunction,
  ProcessWindowFunction,
  ReduceFunction,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
  WindowContext,
} from './functions/functions.ts';
export type {
  BroadcastContext,
  BroadcastOnTimerContext,
  BroadcastProcessFunction,
  BroadcastStateReader,
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedReadOnlyBroadcastContext,
  ObjectOrSupplier,
  OnTimerContext,
  ProcessContext,
  ProcessFunction,
  ReadOnlyBroadcastContext,
  TimeDomain,
  TimerService,
} from './functions/process-functions.ts';
export type {
  CoGroupFunction,
  FlatJoinFunction,
  JoinFunction,
  ProcessJoinContext,
  ProcessJoinFunction,
  RichJoinFunction,
} from './functions/join-functions.ts';
export { OutputTag } from './functions/output-tag.ts';
export type {
  Counter,
  MetricGroup,
  OperatorAttempt,
  RichFunction,
  RuntimeContext,
  SubtaskContext,
} from './functions/runtime-context.ts';
export type {
  CommitContext,
  Committer,
  DeliveryGuarantee,
  Sink,
  SinkWriteContext,
  SinkWriter,
} from './functions/sink.ts';
export {
  type Boundedness,
  END_OF_INPUT,
  type InputStatus,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type ReaderOutput,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
  type SplitEnumerator,
  type SplitEnumeratorContext,
} from './functions/source.ts';

// State
export {
  type AggregatingState,
  AggregatingStateDescriptor,
  type BroadcastState,
  type CheckpointedFunction,
  type CheckpointListener,
  type FunctionInitializationContext,
  type FunctionSnapshotContext,
  type KeyedStateStore,
  type ListState,
  ListStateDescriptor,
  type MapState,
  MapStateDescriptor,
  type OperatorStateStore,
  type ReadOnlyBroadcastState,
  type ReducingState,
  ReducingStateDescriptor,
  type State,
  type StateDescriptorOptions,
  type StateTtlConfig,
  type StateTtlUpdateType,
  type StateTtlVisibility,
  type ValueState,
  ValueStateDescriptor,
} from './functions/state.ts';

// Time
export {
  type TimestampAssigner,
  type WatermarkEmitStrategy,
  type WatermarkGenerator,
  type WatermarkOutput,
  WatermarkStrategy,
} from './functions/watermark-strategy.ts';
export type { TimeWindow } from './functions/windowing/time-window.ts';
export { GLOBAL_WINDOW, type GlobalWindow, type Window } from './functions/windowing/window.ts';
export {
  AlignedWindows,
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  type SlidingWindowsFactory,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  type TumblingWindowsFactory,
} from './functions/windowing/aligned-windows.ts';
export {
  DynamicEventTimeSessionWindows,
  DynamicProcessingTimeSessionWindows,
  type DynamicSessionWindowsFactory,
  EventTimeSessionWindows,
  ProcessingTimeSessionWindows,
  SessionWindows,
  type SessionWindowsFactory,
  type SessionWindowTimeGapExtractor,
} from './functions/windowing/session-windows.ts';
export { GlobalWindows } from './functions/windowing/global-windows.ts';
export {
  type MergingWindowAssigner,
  type WindowAssigner,
  type WindowAssignerContext,
  WindowStagger,
} from './functions/windowing/window-assigner.ts';
export type { MergeCallback } from './functions/windowing/time-window.ts';
export {
  type OnMergeContext,
  type Trigger,
  type TriggerContext,
  TriggerResult,
} from './functions/windowing/triggers/trigger.ts';
export { ContinuousEventTimeTrigger } from './functions/windowing/triggers/continuous-event-time-trigger.ts';
export { ContinuousProcessingTimeTrigger } from './functions/windowing/triggers/continuous-processing-time-trigger.ts';
export { CountTrigger } from './functions/windowing/triggers/count-trigger.ts';
export { type DeltaFunction, DeltaTrigger } from './functions/windowing/triggers/delta-trigger.ts';
export { EndOfStreamTrigger } from './functions/windowing/triggers/end-of-stream-trigger.ts';
export { EventTimeTrigger } from './functions/windowing/triggers/event-time-trigger.ts';
export { NeverTrigger } from './functions/windowing/triggers/never-trigger.ts';
export { ProcessingTimeTrigger } from './functions/windowing/triggers/processing-time-trigger.ts';
export {
  type ProcessingTimeoutOptions,
  ProcessingTimeoutTrigger,
} from './functions/windowing/triggers/processing-timeout-trigger.ts';
export { PurgingTrigger } from './functions/windowing/triggers/purging-trigger.ts';
export { CountEvictor } from './functions/windowing/evictors/count-evictor.ts';
export { DeltaEvictor } from './functions/windowing/evictors/delta-evictor.ts';
export type {
  Evictor,
  EvictorContext,
  TimestampedValue,
} from './functions/windowing/evictors/evictor.ts';
export { TimeEvictor } from './functions/windowing/evictors/time-evictor.ts';
export { days, hours, milliseconds, minutes, seconds } from './base/time.ts';

// Types and errors
export { SuppressRestartsError } from './functions/suppress-restarts-error.ts';
export { type ErrorCode, hasErrorCode, MillraceError } from './base/errors.ts';
export type { Environment } from './base/environment.ts';
export type { TypeInformation, TypeOf } from './types/type-information.ts';
export { types } from './types/types.ts';
