/** Windows of every form and the interval join, for the table of every operator. */
import { hours } from '../../base/time.ts';
import type { DataStream } from '../../api/datastream/data-stream.ts';
import type { ProcessWindowFunction } from '../../functions/functions.ts';
import { OutputTag } from '../../functions/output-tag.ts';
import { ValueStateDescriptor } from '../../functions/state.ts';
import {
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../functions/windowing/aligned-windows.ts';
import { TimeEvictor } from '../../functions/windowing/evictors/time-evictor.ts';
import { GlobalWindows } from '../../functions/windowing/global-windows.ts';
import {
  EventTimeSessionWindows,
  ProcessingTimeSessionWindows,
} from '../../functions/windowing/session-windows.ts';
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import { ContinuousEventTimeTrigger } from '../../functions/windowing/triggers/continuous-event-time-trigger.ts';
import { CountTrigger } from '../../functions/windowing/triggers/count-trigger.ts';
import { DeltaTrigger } from '../../functions/windowing/triggers/delta-trigger.ts';
import { ProcessingTimeoutTrigger } from '../../functions/windowing/triggers/processing-timeout-trigger.ts';
import { PurgingTrigger } from '../../functions/windowing/triggers/purging-trigger.ts';
import type { OperatorCase } from './operator-cases.ts';
import { both, type Hit, hits, ofTwo } from './process-cases.ts';

const LATE = new OutputTag<Hit>('late');

const SUM = {
  createAccumulator: () => ({ sum: 0, count: 0 }),
  add: ({ n }: Hit, accumulator: { sum: number; count: number }) => {
    accumulator.sum += n;
    accumulator.count++;
    return accumulator;
  },
  getResult: ({ sum, count }: { sum: number; count: number }) => ({ sum, count }),
  merge: (a: { sum: number; count: number }, b: { sum: number; count: number }) => {
    return { sum: a.sum + b.sum, count: a.count + b.count };
  },
};

type Describe<IN> = ProcessWindowFunction<IN, unknown, string, TimeWindow>;

const describe: Describe<unknown> = {
  process: (k, { window }, elements, out) =>
    out.collect({ k, start: window.start, end: window.end, elements: [...elements] }),
};

const FIRED = new ValueStateDescriptor<number>('fired');
const ALL_FIRED = new ValueStateDescriptor<number>('all-fired');

/** Counts the firings of each window, and of each key. */
const counting: Describe<Hit> = {
  process: (k, context, elements, out) => {
    const fired = context.windowState().getState(FIRED);
    fired.update((fired.value() ?? 0) + 1);
    const all = context.globalState().getState(ALL_FIRED);
    all.update((all.value() ?? 0) + 1);
    const size = [...elements].length;
    out.collect({ k, size, start: context.window.start, fired: fired.value(), all: all.value() });
  },
  clear: (context) => context.windowState().getState(FIRED).clear(),
};

type Windowed = (
  name: string,
  make: (stream: DataStream<Hit>) => DataStream<unknown>,
  more?: Partial<OperatorCase>,
) => OperatorCase;

function windowedWith(acts: OperatorCase['acts']): Windowed {
  return (name, make, more) => ({ name, acts, make: hits(make), ...more });
}

/** Cases of windows that the operator of aligned windows does not do. */
export function genericWindowCases(
  acts: OperatorCase['acts'],
  many: OperatorCase['acts'],
): readonly OperatorCase[] {
  const windowed = windowedWith(acts);
  return [
    windowed(
      'sessions with late rows',
      (s) =>
        s
          .keyBy('k')
          .window(EventTimeSessionWindows.withGap(30))
          .allowedLateness(20)
          .sideOutputLateData(LATE)
          .aggregate(SUM, describe),
      { bulk: many, sideOutputs: [LATE] },
    ),
    windowed(
      'sessions by the clock',
      (s) =>
        s
          .keyBy('k')
          .window(ProcessingTimeSessionWindows.withDynamicGap(({ n }: Hit) => 20 + n))
          .process(describe),
      { acts: [...acts, { time: 2000 }] },
    ),
    windowed('sessions that fire early', (s) =>
      s
        .keyBy('k')
        .window(EventTimeSessionWindows.withGap(50))
        .trigger(ContinuousEventTimeTrigger.of(25))
        .sum('n'),
    ),
    windowed('count windows', (s) => s.keyBy('k').countWindow(2).sum('n')),
    windowed('sliding count windows', (s) => s.keyBy('k').countWindow(3, 1).maxBy('n')),
    windowed('global windows with a delta', (s) =>
      s
        .keyBy('k')
        .window(GlobalWindows.create())
        .trigger(PurgingTrigger.of(DeltaTrigger.of<Hit>(2, (a, b) => Math.abs(b.n - a.n))))
        .reduce((a, b) => ({ k: a.k, n: a.n + b.n })),
    ),
    windowed('an evictor by time', (s) =>
      s
        .keyBy('k')
        .window(TumblingEventTimeWindows.of(100))
        .trigger(CountTrigger.of(1))
        .evictor(TimeEvictor.of(40, true))
        .process(describe),
    ),
    windowed(
      'state of windows and keys',
      (s) =>
        s.keyBy('k').window(TumblingEventTimeWindows.of(60)).allowedLateness(100).process(counting),
      { bulk: many },
    ),
    windowed(
      'a timeout by the clock',
      (s) =>
        s
          .keyBy('k')
          .window(TumblingProcessingTimeWindows.of(hours(1)))
          .trigger(ProcessingTimeoutTrigger.of(CountTrigger.of(3), 40))
          .sum('n'),
      { acts: [...acts, { time: 2000 }] },
    ),
  ];
}

/** Cases of joins. */
export function intervalJoinCases(acts: OperatorCase['acts']): readonly OperatorCase[] {
  return [
    {
      name: 'pairs up to 50 ms apart',
      acts: ofTwo(withTwoKeys(withoutLate(acts))),
      make: both((left, right) =>
        left
          .keyBy('k')
          .intervalJoin(right.keyBy('k'))
          .between(-50, 40)
          .process<unknown>({
            processElement: (a, b, context, out) =>
              out.collect({ k: a.k, left: a.n, right: b.n, at: context.getTimestamp() }),
          }),
      ),
    },
  ];
}

/** Which records of two inputs are late depends on how the inputs meet. */
function withoutLate(acts: OperatorCase['acts']): OperatorCase['acts'] {
  let reached = 0;
  return acts.map((act) => {
    reached = Math.max(reached, act.watermark ?? 0);
    const { timestamp } = act;
    return timestamp === undefined ? act : { ...act, timestamp: Math.max(timestamp, reached + 1) };
  });
}

function withTwoKeys(acts: OperatorCase['acts']): OperatorCase['acts'] {
  return acts.map((act) => {
    const hit = act.row as Hit | undefined;
    return hit === undefined ? act : { ...act, row: { ...hit, k: hit.n % 2 === 0 ? 'a' : 'b' } };
  });
}
