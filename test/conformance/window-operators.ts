/** From the parts that scenarios name to operators of this engine. */
import {
  CountEvictor,
  CountTrigger,
  ContinuousEventTimeTrigger,
  type DataStream,
  DeltaEvictor,
  DynamicEventTimeSessionWindows,
  EventTimeSessionWindows,
  EventTimeTrigger,
  type Evictor,
  GlobalWindows,
  type OutputTag,
  ProcessingTimeSessionWindows,
  ProcessingTimeTrigger,
  type ProcessWindowFunction,
  PurgingTrigger,
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  TimeEvictor,
  type TimeWindow,
  type Trigger,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  type Window,
  type WindowAssigner,
  WindowStagger,
} from '../../src/index.ts';
import type { AssignerScenario, Part, WindowScenario } from './scenarios.ts';

/** A record of the scenarios: key and number. */
export type Pair = readonly [key: string, n: number];

type AnyAssigner = WindowAssigner<Pair, Window>;
type AnyTrigger = Trigger<Pair, Window>;

/** The operator of a scenario behind a stream; `isDefault` leaves the trigger to the assigner. */
export function operatorOf(
  { operator }: WindowScenario,
  lateTag: OutputTag<Pair>,
  isDefault: boolean,
): (stream: DataStream<Pair>) => DataStream<unknown> {
  return (stream) => {
    const windowed = stream.keyBy(([key]) => key).window(assignerOf(operator.assigner));
    if (!isDefault) windowed.trigger(triggerOf(operator.trigger, operator.assigner));
    if (operator.evictor !== undefined) windowed.evictor(evictorOf(operator.evictor));
    windowed.allowedLateness(operator.allowedLatenessMs);
    if (operator.lateOutput === true) windowed.sideOutputLateData(lateTag);
    const [name] = operator.function.split(':');
    if (operator.state === 'reduce') {
      return name === 'session'
        ? windowed.reduce(add, session as ProcessWindowFunction<Pair, unknown, string, Window>)
        : windowed.reduce(add);
    }
    switch (name) {
      case 'session':
        return windowed.process(session as ProcessWindowFunction<Pair, unknown, string, Window>);
      case 'sum-by-key':
        return windowed.process(sum);
      case 'none':
        return windowed.process(nothing);
      default:
        throw new Error(`no function ${operator.function}`);
    }
  };
}

/** The assigner of a scenario's name and arguments. */
export function assignerOf(part: Part): AnyAssigner {
  const [name, args] = partsOf(part);
  const [first = 0, second = 0] = args as readonly number[];
  switch (name) {
    case 'TumblingEventTimeWindows':
      return TumblingEventTimeWindows.of(first, second);
    case 'TumblingProcessingTimeWindows':
      return TumblingProcessingTimeWindows.of(first, second);
    case 'SlidingEventTimeWindows':
      return SlidingEventTimeWindows.of(first, second, args[2] as number | undefined);
    case 'SlidingProcessingTimeWindows':
      return SlidingProcessingTimeWindows.of(first, second, args[2] as number | undefined);
    case 'EventTimeSessionWindows.withGap':
    case 'EventTimeSessionWindows':
      return EventTimeSessionWindows.withGap(first);
    case 'ProcessingTimeSessionWindows':
      return ProcessingTimeSessionWindows.withGap(first);
    case 'DynamicEventTimeSessionWindows.withDynamicGap':
      return DynamicEventTimeSessionWindows.withDynamicGap(gapOf);
    case 'GlobalWindows':
      return GlobalWindows.create() as AnyAssigner;
    case 'GlobalWindows.createWithEndOfStreamTrigger()':
      return GlobalWindows.createWithEndOfStreamTrigger() as AnyAssigner;
    default:
      throw new Error(`no assigner ${name}`);
  }
}

/** The assigner of a test of assigners; its name says whether windows are staggered. */
export function testedAssigner({ id, assigner }: AssignerScenario): AnyAssigner {
  const { type, argsMs } = assigner;
  if (!id.endsWith('WithStagger')) return assignerOf({ type, args: argsMs });
  const [size = 0, offset = 0] = argsMs;
  const factory =
    type === 'TumblingEventTimeWindows' ? TumblingEventTimeWindows : TumblingProcessingTimeWindows;
  return factory.of(size, offset, WindowStagger.NATURAL);
}

/** Whether the scenario's trigger is the assigner's own, so that it need not be set. */
export function hasDefaultTrigger({ operator }: WindowScenario): boolean {
  const [name] = partsOf(operator.trigger);
  const [assigner] = partsOf(operator.assigner);
  if (assigner.startsWith('Global')) return name.startsWith('Global');
  return name === (assigner.includes('Processing') ? 'ProcessingTimeTrigger' : 'EventTimeTrigger');
}

function triggerOf(part: Part, assigner: Part): AnyTrigger {
  const [name, args] = partsOf(part);
  switch (name) {
    case 'EventTimeTrigger':
      return EventTimeTrigger.create();
    case 'ProcessingTimeTrigger':
      return ProcessingTimeTrigger.create();
    case 'CountTrigger':
      return CountTrigger.of(args[0] as number);
    case 'ContinuousEventTimeTrigger':
      return ContinuousEventTimeTrigger.of(args[0] as number);
    case 'PurgingTrigger':
      return PurgingTrigger.of(triggerOf(args[0] as Part, assigner));
    case 'GlobalWindows.createWithEndOfStreamTrigger().getDefaultTrigger()':
      return assignerOf(assigner).getDefaultTrigger();
    case 'FireEverytimeOnElementAndEventTimeTrigger':
      return EVERY_TIME;
    default:
      throw new Error(`no trigger ${name}`);
  }
}

/** Fires on every record and every timer, and sets none. */
const EVERY_TIME: AnyTrigger = {
  onElement: () => 'FIRE',
  onEventTime: () => 'FIRE',
  onProcessingTime: () => 'FIRE',
  clear: () => undefined,
};

function evictorOf(part: Part): Evictor<Pair, Window> {
  const [name, args] = partsOf(part);
  switch (name) {
    case 'CountEvictor':
      return CountEvictor.of(args[0] as number, args[1] as boolean | undefined);
    case 'TimeEvictor':
      return TimeEvictor.of(args[0] as number, args[1] as boolean | undefined);
    case 'DeltaEvictor': {
      const delta = (old: Pair, last: Pair): number => last[1] - old[1];
      return DeltaEvictor.of(args[0] as number, delta, args[2] as boolean | undefined);
    }
    default:
      throw new Error(`no evictor ${name}`);
  }
}

function gapOf([key, n]: Pair): number {
  if (key === 'key1') return 3000;
  return n === 10 ? 1000 : 2000;
}

function add([key, a]: Pair, [, b]: Pair): Pair {
  return [key, a + b];
}

function totalOf(elements: Iterable<Pair>): number {
  let total = 0;
  for (const [, n] of elements) total += n;
  return total;
}

const sum: ProcessWindowFunction<Pair, unknown, string, Window> = {
  process: (key, _context, elements, out) => out.collect([key, totalOf(elements)]),
};

const session: ProcessWindowFunction<Pair, unknown, string, TimeWindow> = {
  process: (key, { window }, elements, out) =>
    out.collect([`${key}-${totalOf(elements)}`, window.start, window.end]),
};

const nothing: ProcessWindowFunction<Pair, unknown, string, Window> = { process: () => undefined };

function partsOf(part: Part): [name: string, args: readonly unknown[]] {
  return typeof part === 'string' ? [part, []] : [part.type, part.args ?? []];
}
