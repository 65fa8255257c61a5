import test from 'ava';
import { hasErrorCode } from '../../base/errors.ts';
import type { Collector } from '../../functions/collector.ts';
import { OutputTag } from '../../functions/output-tag.ts';
import type {
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  TimerService,
} from '../../functions/process-functions.ts';
import type { RuntimeContext } from '../../functions/runtime-context.ts';
import {
  AggregatingStateDescriptor,
  type FunctionInitializationContext,
  type FunctionSnapshotContext,
  type ListState,
  ListStateDescriptor,
  type MapState,
  MapStateDescriptor,
  type ReducingState,
  ReducingStateDescriptor,
  type ValueState,
  ValueStateDescriptor,
} from '../../functions/state.ts';
import { types } from '../../types/types.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import { MAX_WATERMARK } from '../chain-stage.ts';
import { type StageSpec, stageFor } from '../registry.ts';
import {
  type DriverSnapshot,
  StageDriver,
  type StageDriverOptions,
} from '../testing/stage-driver.ts';

interface Row {
  readonly k: string;
  readonly n: number;
}

const byKey = (row: Row): string => row.k;
const row = (k: string, n: number): Row => ({ k, n });

function drive(
  spec: StageSpec,
  options: StageDriverOptions = {},
  restored?: readonly DriverSnapshot[],
): StageDriver {
  const keys = { keySelector: byKey, secondKeySelector: byKey };
  return new StageDriver(stageFor(spec), { ...keys, ...options }, restored);
}

function keyed(
  given: KeyedProcessFunction<string, Row, unknown>,
  options?: StageDriverOptions,
  restored?: readonly DriverSnapshot[],
): StageDriver {
  const spec = { kind: 'keyed-process', method: 'processElement', function: given } as const;
  return drive(spec, options, restored);
}

/** Sums per key in a ValueState. */
function summing(): { open(context: RuntimeContext): void; add(n: number): number } {
  let sum: ValueState<number>;
  return {
    open: (context) => {
      sum = context.getState(new ValueStateDescriptor<number>('sum'));
    },
    add: (n) => {
      const next = (sum.value() ?? 0) + n;
      sum.update(next);
      return next;
    },
  };
}

test('keyed process: state is that of the record’s key; results have its timestamp', (t) => {
  const { open, add } = summing();
  const driver = keyed({
    open,
    processElement: (value, context, out) => {
      out.collect([context.getCurrentKey(), add(value.n), context.timestamp()]);
    },
  });
  driver.push([[row('a', 1), 10], [row('b', 5)], [row('a', 2), 7]]);
  t.deepEqual(driver.output, [
    { value: ['a', 1, 10], timestamp: 10 },
    { value: ['b', 5, undefined], timestamp: -Infinity },
    { value: ['a', 3, 7], timestamp: 7 },
  ]);
});

test('keyed process: state is asked for in open, where there is no key to use it with', (t) => {
  const wrong = {
    open: (context: RuntimeContext) => void context.getState(new ValueStateDescriptor('s')).value(),
    processElement: () => {},
  };
  t.throws(() => keyed(wrong));
});

/** Notes what `onTimer` sees. */
class Alarms implements KeyedProcessFunction<string, Row, unknown> {
  readonly side = new OutputTag<string>('side');
  readonly register: (value: Row, timers: TimerService) => void;

  constructor(register: (value: Row, timers: TimerService) => void) {
    this.register = register;
  }

  processElement(value: Row, context: KeyedProcessContext<string>): void {
    this.register(value, context.timerService());
  }

  onTimer(time: number, context: OnTimerContext<string>, out: Collector<unknown>): void {
    out.collect([context.getCurrentKey(), context.timeDomain(), time, context.timestamp()]);
    context.output(this.side, `${context.getCurrentKey()}@${time}`);
  }
}

test('event timers: results and side outputs have the timer’s time, and come before the watermark', (t) => {
  const driver = keyed(new Alarms((value, timers) => timers.registerEventTimeTimer(value.n)), {
    sideOutputs: ['side'],
  });
  driver.push([
    [row('a', 30), 1],
    [row('b', 20), 2],
  ]);
  driver.advanceWatermark(25);
  driver.advanceWatermark(MAX_WATERMARK);
  t.deepEqual(driver.output, [
    { value: ['b', 'event-time', 20, 20], timestamp: 20 },
    { value: ['a', 'event-time', 30, 30], timestamp: 30 },
  ]);
  t.deepEqual(driver.signals, [
    { signal: 25, afterRows: 1 },
    { signal: MAX_WATERMARK, afterRows: 2 },
  ]);
  t.deepEqual(driver.sides.get('side'), [
    { value: 'b@20', timestamp: 20 },
    { value: 'a@30', timestamp: 30 },
  ]);
});

test('processing timers: results have no timestamp; they do not fire at the end of input', async (t) => {
  const driver = keyed(
    new Alarms((value, timers) => {
      timers.registerProcessingTimeTimer(timers.currentProcessingTime() + value.n);
    }),
    { nowMs: 100 },
  );
  driver.push([
    [row('a', 5), 1],
    [row('b', 900), 2],
  ]);
  driver.advanceTimeTo(104);
  t.is(driver.output.length, 0);
  driver.advanceTimeTo(200);
  await driver.end();
  t.deepEqual(driver.output, [{ value: ['a', 'processing-time', 105, 105], timestamp: -Infinity }]);
});

test('timers of a function without onTimer fire into nothing', (t) => {
  const driver = keyed({
    processElement: (value, context) => context.timerService().registerEventTimeTimer(value.n),
  });
  driver.push([[row('a', 5)]]);
  driver.advanceWatermark(10);
  t.deepEqual(driver.output, []);
});

test('onTimer sees the watermark that made it fire, and the state of its key', (t) => {
  const { open, add } = summing();
  const driver = keyed({
    open,
    processElement: (value, context) => {
      add(value.n);
      context.timerService().registerEventTimeTimer(10);
    },
    onTimer: (_time, context, out) => {
      out.collect([context.getCurrentKey(), add(0), context.currentWatermark()]);
    },
  });
  driver.push([[row('a', 1)], [row('b', 2)], [row('a', 3)]]);
  driver.advanceWatermark(50);
  t.deepEqual(driver.values, [
    ['a', 4, 50],
    ['b', 2, 50],
  ]);
});

test('a burst of timers fires in slices; state and timers of a snapshot in between fire the rest', (t) => {
  const make = (): KeyedProcessFunction<string, Row, unknown> => {
    const { open, add } = summing();
    return {
      open,
      processElement: (value, context) => {
        add(value.n);
        context.timerService().registerEventTimeTimer(value.n);
      },
      onTimer: (_time, context, out) => out.collect([context.getCurrentKey(), add(0)]),
    };
  };
  const driver = keyed(make());
  driver.push(Array.from({ length: 3000 }, (_, n) => [row(`k${n}`, n)] as const));
  t.false(driver.stage.onWatermark?.(5000));
  t.is(driver.output.length, 1024);

  const again = keyed(make(), {}, [driver.snapshot()]);
  again.advanceWatermark(5000);
  t.deepEqual(
    again.values,
    Array.from({ length: 1976 }, (_, n) => [`k${n + 1024}`, n + 1024]),
  );
});

test('rich map, flatMap and filter on a keyed stream have the state of the key', (t) => {
  const map = summing();
  const mapping = drive({
    kind: 'keyed-process',
    method: 'map',
    function: { open: map.open, map: (value: Row) => `${value.k}${map.add(value.n)}` },
  });
  const flatMap = summing();
  const flatMapping = drive({
    kind: 'keyed-process',
    method: 'flatMap',
    function: {
      open: flatMap.open,
      flatMap: (value: Row, out: Collector<number>) => {
        out.collect(flatMap.add(value.n));
        return value.k === 'a' ? [-1] : undefined;
      },
    },
  });
  const filter = summing();
  const filtering = drive({
    kind: 'keyed-process',
    method: 'filter',
    function: { open: filter.open, filter: (value: Row) => filter.add(1) === 1 && value.n > 0 },
  });
  const rows = [
    [row('a', 1), 10],
    [row('b', 2), 20],
    [row('a', 3), 30],
  ] as const;
  for (const driver of [mapping, flatMapping, filtering]) driver.push(rows);
  t.deepEqual(mapping.values, ['a1', 'b2', 'a4']);
  t.deepEqual(flatMapping.values, [1, -1, 2, 4, -1]);
  t.deepEqual(filtering.output, [
    { value: row('a', 1), timestamp: 10 },
    { value: row('b', 2), timestamp: 20 },
  ]);
});

test('a failing function leaves the record it failed on; a null key is refused', (t) => {
  const driver = keyed({
    processElement: (value) => {
      if (value.n === 2) throw new RangeError('two');
    },
  });
  t.throws(() => driver.push([[row('a', 1)], [row('a', 2)], [row('a', 3)]]), { message: 'two' });
  t.deepEqual(driver.failedRecords, [row('a', 2)]);
  const error = t.throws(() => driver.push([[row(null as never, 1)]]));
  t.true(hasErrorCode(error, 'KEY_INVALID'));
});

test('without a key timers and keyed state are refused with the remedy', (t) => {
  const timers = drive({
    kind: 'process',
    function: {
      processElement: (_value, context) => context.timerService().registerEventTimeTimer(1),
    },
  });
  const setting = t.throws(() => timers.push([[row('a', 1)]]));
  t.true(hasErrorCode(setting, 'ILLEGAL_STATE'));
  t.regex(setting?.message ?? '', /its stream has no key.*call keyBy/);
  const asking = t.throws(() =>
    drive({
      kind: 'process',
      function: {
        open: (context) => void context.getState(new ValueStateDescriptor('sum')),
        processElement: () => {},
      },
    }),
  );
  t.true(hasErrorCode(asking, 'ILLEGAL_STATE'));
  t.regex(asking?.message ?? '', /keyed state 'sum', but its stream has no key: call keyBy/);
});

for (const method of ['map', 'flatMap', 'processElement'] as const) {
  test(`connected streams: each input has its ${method} method, and the timestamp stays`, (t) => {
    const collecting =
      (name: string) =>
      (value: Row, ...rest: readonly AnyRecord[]) => {
        if (method === 'map') return `${name}${value.n}`;
        (rest.at(-1) as Collector<string>).collect(`${name}${value.n}`);
        return undefined;
      };
    const given = { [`${method}1`]: collecting('one'), [`${method}2`]: collecting('two') };
    for (const kind of ['co-process', 'keyed-co-process'] as const) {
      const driver = drive({ kind, method, function: given as AnyRecord });
      driver.push([[row('a', 1), 10]]);
      driver.push([[row('a', 2), 20]], 1);
      driver.push([[row('a', 3), 30]]);
      t.deepEqual(driver.output, [
        { value: 'one1', timestamp: 10 },
        { value: 'two2', timestamp: 20 },
        { value: 'one3', timestamp: 30 },
      ]);
    }
  });
}

test('keyed connected streams share the state and the timers of a key', (t) => {
  const { open, add } = summing();
  const driver = drive({
    kind: 'keyed-co-process',
    method: 'processElement',
    function: {
      open,
      processElement1: (value: Row) => void add(value.n),
      processElement2: (value: Row, context: KeyedProcessContext<string>) => {
        add(value.n);
        context.timerService().registerEventTimeTimer(10);
      },
      onTimer: (_time: number, context: OnTimerContext<string>, out: Collector<unknown>) => {
        out.collect([context.getCurrentKey(), add(0)]);
      },
    },
  });
  driver.push([[row('a', 1)], [row('b', 2)]], 0);
  driver.push([[row('a', 10)]], 1);
  driver.advanceWatermark(10);
  t.deepEqual(driver.values, [['a', 11]]);
});

const rules = new MapStateDescriptor<string, number>('rules');

test('broadcast: one side changes the state, the other reads it and cannot change it', (t) => {
  const driver = drive({
    kind: 'broadcast-process',
    descriptors: [rules],
    function: {
      processElement: (value: Row, context, out) => {
        const limits = context.getBroadcastState(rules);
        if (value.n < 0) (limits as unknown as Map<string, number> & { put: unknown }).clear();
        out.collect([value.k, limits.get(value.k), [...limits.immutableEntries()].length]);
      },
      processBroadcastElement: (value: Row, context, out) => {
        context.getBroadcastState(rules).put(value.k, value.n);
        out.collect(`rule ${value.k}`);
      },
    },
  });
  driver.push([[row('a', 1)]]);
  driver.push([[row('a', 7)]], 1);
  driver.push([[row('a', 1)]]);
  t.deepEqual(driver.values, [['a', undefined, 0], 'rule a', ['a', 7, 1]]);
  const error = t.throws(() => driver.push([[row('a', -1)]]));
  t.true(hasErrorCode(error, 'ILLEGAL_STATE'));
  t.regex(error?.message ?? '', /change it in processBroadcastElement/);
});

test('broadcast: a state that was not given to broadcast is refused', (t) => {
  const driver = drive({
    kind: 'broadcast-process',
    descriptors: [rules],
    function: {
      processElement: (_value, context) =>
        void context.getBroadcastState(new MapStateDescriptor('others')),
      processBroadcastElement: () => {},
    },
  });
  const error = t.throws(() => driver.push([[row('a', 1)]]));
  t.true(hasErrorCode(error, 'ILLEGAL_ARGUMENT'));
  t.regex(error?.message ?? '', /'others', but its stream was broadcast with 'rules'/);
});

test('keyed broadcast: state and timers by key on one side, the state of all keys on the other', (t) => {
  const sum = new ValueStateDescriptor<number>('sum');
  const { open, add } = summing();
  let stolen: TimerService | undefined;
  const driver = drive(
    {
      kind: 'keyed-broadcast-process',
      descriptors: [rules],
      function: {
        open,
        processElement: (value: Row, context) => {
          add(value.n * (context.getBroadcastState(rules).get('factor') ?? 1));
          stolen = context.timerService();
          stolen.registerEventTimeTimer(100);
        },
        processBroadcastElement: (value: Row, context) => {
          if (value.k === 'steal') stolen?.registerEventTimeTimer(1);
          context.getBroadcastState(rules).put(value.k, value.n);
          context.applyToKeyedState(sum, (_key, state) =>
            state.update((state.value() ?? 0) + 1000),
          );
        },
        onTimer: (_time, context, out) => {
          const factor = context.getBroadcastState(rules).get('factor');
          out.collect([context.getCurrentKey(), add(0), factor]);
        },
      },
    },
    { secondKeySelector: undefined },
  );
  driver.push([[row('a', 1)], [row('b', 2)]]);
  driver.push([[row('factor', 10)]], 1);
  driver.push([[row('a', 1)]]);
  driver.advanceWatermark(100);
  t.deepEqual(driver.values, [
    ['a', 1011, 10],
    ['b', 1002, 10],
  ]);
  const error = t.throws(() => driver.push([[row('steal', 1)]], 1));
  t.true(hasErrorCode(error, 'ILLEGAL_STATE'));
  t.regex(error?.message ?? '', /no current key.*not on the broadcast side/);
});

test('initializeState comes before open, snapshotState before the cut, notifications arrive', async (t) => {
  const calls: string[] = [];
  const make = () => {
    let seen = 0;
    let list: ListState<number>;
    return {
      initializeState(context: FunctionInitializationContext) {
        list = context.getOperatorStateStore().getListState(new ListStateDescriptor('seen'));
        for (const each of list.get()) seen += each;
        calls.push(`initialize ${context.isRestored()} ${seen}`);
      },
      open: () => void calls.push('open'),
      map: (value: Row) => {
        seen++;
        return value;
      },
      snapshotState(context: FunctionSnapshotContext) {
        calls.push(`snapshot ${context.checkpointId} ${context.checkpointTimestamp}`);
        list.update([seen]);
      },
      notifyCheckpointComplete: (id: number) => void calls.push(`complete ${id}`),
      notifyCheckpointAborted: (id: number) => void calls.push(`aborted ${id}`),
      close: () => void calls.push('close'),
    };
  };
  const driver = drive({ kind: 'map', function: make() });
  driver.push([[row('a', 1)], [row('a', 2)]]);
  const at = { checkpointId: 3, timestamp: 99, isSavepoint: false };
  const snapshot = driver.snapshot('full', at);
  await driver.stage.notifyCheckpointComplete?.(3);
  driver.stage.notifyCheckpointAborted?.(4);
  await driver.end();
  drive({ kind: 'map', function: make() }, {}, [snapshot]);
  t.deepEqual(calls, [
    'initialize false 0',
    'open',
    'snapshot 3 99',
    'complete 3',
    'aborted 4',
    'close',
    'initialize true 2',
    'open',
  ]);
});

test('state and timers go with their keys when the parallelism changes', (t) => {
  const make = (): KeyedProcessFunction<string, Row, unknown> => {
    let seen: ListState<number>;
    return {
      open: (context) => {
        seen = context.getListState(new ListStateDescriptor('seen', types.long));
      },
      processElement: (value, context) => {
        seen.add(value.n);
        context.timerService().registerEventTimeTimer(value.n);
        context.timerService().registerProcessingTimeTimer(1000 + value.n);
      },
      onTimer: (time, context, out) => {
        out.collect([context.getCurrentKey(), context.timeDomain(), time, [...seen.get()]]);
      },
    };
  };
  const rows = Array.from({ length: 300 }, (_, n) => [row(`k${n % 100}`, n)] as const);
  const one = keyed(make());
  one.push(rows);
  const snapshot = one.snapshot();
  const halves = [0, 1].map((subtask) => {
    return keyed(make(), { subtask, parallelism: 2 }, [snapshot]);
  });
  const whole = keyed(
    make(),
    {},
    halves.map((half) => half.snapshot()),
  );
  for (const driver of [one, ...halves, whole]) {
    driver.advanceWatermark(5000);
    driver.advanceTimeTo(5000);
  }
  const texts = (driver: StageDriver): string[] =>
    driver.values.map((value) => JSON.stringify(value)).toSorted();
  t.is(one.output.length, 600);
  t.true((halves[0]?.output.length ?? 0) > 100);
  t.deepEqual(halves.flatMap(texts).toSorted(), texts(one));
  t.deepEqual(texts(whole), texts(one));
});

test('broadcast state is restored, and state of all five kinds is that of the key', (t) => {
  const make = (): AnyRecord => {
    let states: AnyRecord;
    return {
      open: (context: RuntimeContext) => {
        states = {
          value: context.getState(new ValueStateDescriptor<number>('value')),
          list: context.getListState(new ListStateDescriptor<number>('list')),
          map: context.getMapState(new MapStateDescriptor<string, number>('map')),
          reducing: context.getReducingState(
            new ReducingStateDescriptor<number>('reducing', (a, b) => a + b),
          ),
          aggregating: context.getAggregatingState(
            new AggregatingStateDescriptor<number, number, string>('aggregating', {
              createAccumulator: () => 0,
              add: (n, sum) => sum + n,
              getResult: (sum) => `sum ${sum}`,
            }),
          ),
        };
      },
      processElement: ({ n }: Row, context: AnyRecord, out: Collector<unknown>) => {
        states.value.update(n);
        for (const each of [states.list, states.reducing, states.aggregating]) each.add(n);
        states.map.put(`n${n}`, n);
        out.collect([
          context.getBroadcastState(rules).get('factor'),
          states.value.value(),
          [...states.list.get()],
          [...states.map.keys()],
          states.reducing.get(),
          states.aggregating.get(),
        ]);
      },
      processBroadcastElement: ({ k, n }: Row, context: AnyRecord) =>
        context.getBroadcastState(rules).put(k, n),
    };
  };
  const spec = (): StageSpec => {
    return { kind: 'keyed-broadcast-process', descriptors: [rules], function: make() };
  };
  const options = { secondKeySelector: undefined };
  const driver = drive(spec(), options);
  driver.push([[row('factor', 7)]], 1);
  driver.push([[row('a', 1)], [row('b', 5)]]);
  const again = drive(spec(), options, [driver.snapshot()]);
  again.push([[row('a', 2)]]);
  t.deepEqual(again.values, [[7, 2, [1, 2], ['n1', 'n2'], 3, 'sum 3']]);
});

test('every kind of state works in an object that serves several subtasks of a thread', (t) => {
  let list: ListState<number>;
  let map: MapState<string, number>;
  let most: ReducingState<number>;
  const shared: KeyedProcessFunction<string, Row, unknown> = {
    open: (context) => {
      list = context.getListState(new ListStateDescriptor('list'));
      map = context.getMapState(new MapStateDescriptor('map'));
      most = context.getReducingState(new ReducingStateDescriptor<number>('most', Math.max));
    },
    processElement: ({ n }, _context, out) => {
      if (n === 0) for (const each of [list, map, most]) each.clear();
      list.addAll([n]);
      map.putAll([[`n${n}`, n]]);
      most.add(n);
      out.collect([[...list.get()], [...map.entries()], map.contains('n1'), most.get()]);
    },
  };
  const subtasks = [0, 1].map((subtask) => keyed(shared, { subtask, parallelism: 2 }));
  subtasks[0]?.push([[row('a', 3)]]);
  subtasks[1]?.push([[row('a', 1)]]);
  subtasks[0]?.push([[row('a', 2)], [row('a', 0)]]);
  const at = (n: number): [string, number] => [`n${n}`, n];
  t.deepEqual(subtasks[1]?.values, [[[1], [at(1)], true, 1]]);
  t.deepEqual(subtasks[0]?.values, [
    [[3], [at(3)], false, 3],
    [[3, 2], [at(3), at(2)], false, 3],
    [[0], [at(0)], false, 0],
  ]);
});

test('an object that serves several subtasks of a thread sees the state of the one that runs', (t) => {
  const { open, add } = summing();
  const shared: KeyedProcessFunction<string, Row, unknown> = {
    open,
    processElement: (value, context, out) => {
      out.collect(add(value.n));
      context.timerService().registerEventTimeTimer(10);
    },
    onTimer: (_time, context, out) => out.collect([context.getCurrentKey(), add(0)]),
  };
  const subtasks = [0, 1].map((subtask) => keyed(shared, { subtask, parallelism: 2 }));
  for (const n of [1, 2]) {
    subtasks[0]?.push([[row('a', n)]]);
    subtasks[1]?.push([[row('b', 10 * n)]]);
  }
  for (const subtask of subtasks) subtask.advanceWatermark(10);
  t.deepEqual(subtasks[0]?.values, [1, 3, ['a', 3]]);
  t.deepEqual(subtasks[1]?.values, [10, 30, ['b', 30]]);
});

test('a function with initializeState serves one subtask of a thread, or is made for each', async (t) => {
  const make = () => ({
    initializeState: () => {},
    processElement: () => {},
  });
  const one = make();
  const first = keyed(one);
  const error = t.throws(() => keyed(one));
  t.true(hasErrorCode(error, 'ILLEGAL_STATE'));
  t.regex(error?.message ?? '', /one object serves several subtasks.*\(\) => new MyFunction\(\)/);
  await first.end();
  t.notThrows(() => keyed(one), 'the earlier one is closed');

  const given = { kind: 'keyed-process', method: 'processElement', function: make } as const;
  t.notThrows(() => [drive(given), drive(given)]);
});
