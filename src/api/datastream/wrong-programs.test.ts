/**
 * Every program that cannot run fails before it starts: with a code, the operator's name and the
 * remedy.
 */
import test from 'ava';
import type { ErrorCode } from '../../base/errors.ts';
import { configurationWith, defaultConfiguration } from '../../graph/configuration.ts';
import {
  type DataStream,
  DeltaTrigger,
  EventTimeSessionWindows,
  GlobalWindows,
  MapStateDescriptor,
  MillraceError,
  OutputTag,
  type SingleOutputStreamOperator,
  StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  types,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../index.ts';
import { buildJobGraph, createModuleEnvironment } from './module-environment.ts';

interface Word {
  readonly word: string;
  readonly count: number;
}
const wordType = types.row({
  word: types.string,
  count: types.int,
  tags: types.map(types.string, types.int),
});
const row = { word: 'to', count: 1, tags: new Map([['a', 1]]) };

interface WrongProgram {
  readonly does: string;
  readonly build: (env: StreamExecutionEnvironment) => unknown;
  readonly code: ErrorCode;
  /** The operator's name, or what else is to blame. */
  readonly names: string;
  readonly remedy: RegExp;
}

const words = (env: StreamExecutionEnvironment): SingleOutputStreamOperator<Word> =>
  env
    .fromCollection([row], wordType)
    .map((each): Word => each)
    .name('words');
const typedWords = (env: StreamExecutionEnvironment): DataStream<typeof row> =>
  env.fromCollection([row], wordType);
/** Gives a value that the compiler would refuse. */
const wrong = (value: unknown): never => value as never;

const wrongPrograms: readonly WrongProgram[] = [
  {
    does: 'sets parallelism 0',
    build: (env) => words(env).setParallelism(0),
    code: 'PARALLELISM_INVALID',
    names: "'words'",
    remedy: /whole number from 1 to 32768/,
  },
  {
    does: 'sets a parallelism of one and a half',
    build: (env) => words(env).setParallelism(1.5),
    code: 'PARALLELISM_INVALID',
    names: "'words'",
    remedy: /whole number/,
  },
  {
    does: 'sets a maximum parallelism above 32768',
    build: (env) => words(env).setMaxParallelism(32_769),
    code: 'PARALLELISM_INVALID',
    names: "'words'",
    remedy: /1 to 32768/,
  },
  {
    does: 'sets a parallelism above the maximum parallelism',
    build: (env) => words(env).setMaxParallelism(4).setParallelism(5).print(),
    code: 'PARALLELISM_INVALID',
    names: "'words'",
    remedy: /setMaxParallelism/,
  },
  {
    does: 'sets parallelism -1 for all',
    build: (env) => env.setParallelism(-1),
    code: 'PARALLELISM_INVALID',
    names: 'the environment',
    remedy: /whole number from 1/,
  },
  {
    does: 'spreads a source that one subtask reads',
    build: (env) => env.fromData(1).name('numbers').setParallelism(2).print(),
    code: 'PARALLELISM_INVALID',
    names: "'numbers'",
    remedy: /rebalance\(\)/,
  },
  {
    does: 'spreads an operator that is not parallel',
    build: (env) => words(env).forceNonParallel().setParallelism(2),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /leave out/,
  },
  {
    does: 'gives two operators one uid',
    build: (env) => words(env).uid('u').print().name('out').uid('u'),
    code: 'UID_DUPLICATE',
    names: "'words' and 'Sink: out'",
    remedy: /its own/,
  },
  {
    does: 'puts event-time windows on a source without watermarks',
    build: (env) =>
      words(env)
        .keyBy('word')
        .window(TumblingEventTimeWindows.of(1))
        .sum('count')
        .name('counts')
        .print(),
    code: 'WATERMARK_MISSING',
    names: "'counts'",
    remedy: /'Source: Collection Source' has no watermarks.*assignTimestampsAndWatermarks/,
  },
  {
    does: 'has watermarks on one input of a union only',
    build: (env) =>
      words(env)
        .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps())
        .union(words(env))
        .keyBy('word')
        .window(TumblingEventTimeWindows.of(1))
        .sum('count')
        .print(),
    code: 'WATERMARK_MISSING',
    names: "'TumblingEventTimeWindows'",
    remedy: /WatermarkStrategy/,
  },
  {
    does: 'ends its watermarks before the window',
    build: (env) =>
      env
        .fromSequence(1, 2)
        .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps())
        .assignTimestampsAndWatermarks(WatermarkStrategy.noWatermarks())
        .keyBy((n) => n)
        .window(TumblingEventTimeWindows.of(1))
        .sum()
        .print(),
    code: 'WATERMARK_MISSING',
    names: "'TumblingEventTimeWindows'",
    remedy: /'Timestamps\/Watermarks' has no watermarks/,
  },
  {
    does: 'keys by what is no selector',
    build: (env) => words(env).keyBy(wrong(7)),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /give a function, or names of fields/,
  },
  {
    does: 'keys by nothing',
    // @ts-expect-error a key needs a field or a function
    build: (env) => words(env).keyBy(),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /give a function/,
  },
  {
    does: 'keys by a field that the declared type has not',
    build: (env) => typedWords(env).keyBy(wrong('wrod')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Collection Source'",
    remedy: /the fields are word, count, tags/,
  },
  {
    does: 'keys by a map',
    build: (env) => typedWords(env).keyBy('tags'),
    code: 'KEY_INVALID',
    names: "'Collection Source'",
    remedy: /choose a field/,
  },
  {
    does: 'keys by null',
    build: (env) => words(env).keyBy(() => null),
    code: 'KEY_INVALID',
    names: "'words'",
    remedy: /give a selector/,
  },
  {
    does: 'declares a type that is none',
    build: (env) => words(env).returns(wrong('string')),
    code: 'TYPE_NOT_SERIALIZABLE',
    names: "'words'",
    remedy: /types\.row/,
  },
  {
    does: 'declares a type with a part that has no codec',
    build: (env) => words(env).map((each) => [each], types.array(wrong({ kind: 'date' }))),
    code: 'TYPE_NOT_SERIALIZABLE',
    names: "'Map'",
    remedy: /at \$\[\].*types\.generic/,
  },
  {
    does: 'takes the minimum of a string',
    build: (env) => typedWords(env).keyBy('word').min(wrong('word')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Keyed Aggregation'",
    remedy: /the field is string; choose a numeric field/,
  },
  {
    does: 'sums a record without naming a field',
    build: (env) => typedWords(env).keyBy('word').sum(wrong(undefined)),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Keyed Aggregation'",
    remedy: /name a numeric field of row<word/,
  },
  {
    does: 'sums a field that does not exist in a window',
    build: (env) =>
      typedWords(env)
        .keyBy('word')
        .window(TumblingProcessingTimeWindows.of(1))
        .sum(wrong('counts')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'TumblingProcessingTimeWindows'",
    remedy: /the fields are word, count, tags/,
  },
  {
    does: 'forwards between different parallelism',
    build: (env) => words(env).setParallelism(2).forward().print().name('out').setParallelism(3),
    code: 'JOB_GRAPH_INVALID',
    names: "'words' (parallelism 2) to 'out' (parallelism 3)",
    remedy: /use rebalance\(\)/,
  },
  {
    does: 'unites streams of different declared types',
    build: (env) => typedWords(env).union(wrong(env.fromSequence(1, 2))),
    code: 'JOB_GRAPH_INVALID',
    names: "'Collection Source' and 'Sequence Source'",
    remedy: /map one of them/,
  },
  {
    does: 'unites streams of two environments',
    build: (env) => words(env).union(words(createModuleEnvironment(defaultConfiguration))),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /build both from one/,
  },
  {
    does: 'does nothing',
    build: () => undefined,
    code: 'JOB_GRAPH_INVALID',
    names: 'no stream is read',
    remedy: /sinkTo/,
  },
  {
    does: 'has no sink',
    build: (env) => words(env),
    code: 'JOB_GRAPH_INVALID',
    names: "'words'",
    remedy: /sinkTo/,
  },
  {
    does: 'reads a side output without a name',
    build: (env) => words(env).getSideOutput(new OutputTag('')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /new OutputTag\('some-name'\)/,
  },
  {
    does: 'sends late data to a tag without a name',
    build: (env) =>
      words(env)
        .keyBy('word')
        .window(TumblingEventTimeWindows.of(1))
        .sideOutputLateData(new OutputTag(' ')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'TumblingEventTimeWindows'",
    remedy: /new OutputTag/,
  },
  {
    does: 'reads late data that the window does not send',
    build: (env) =>
      words(env)
        .keyBy('word')
        .window(TumblingEventTimeWindows.of(1))
        .sum('count')
        .getSideOutput(new OutputTag<Word>('late')),
    code: 'JOB_GRAPH_INVALID',
    names: "'TumblingEventTimeWindows'",
    remedy: /give sideOutputLateData the same tag/,
  },
  {
    does: 'reads a side output of a map',
    build: (env) => words(env).getSideOutput(new OutputTag('odd')),
    code: 'JOB_GRAPH_INVALID',
    names: "'words'",
    remedy: /use process/,
  },
  {
    does: 'reads one side output under two types',
    build: (env) => {
      const source = env.fromData(1);
      source.getSideOutput(new OutputTag('x', types.int)).print();
      source.getSideOutput(new OutputTag('x', types.string)).print();
    },
    code: 'JOB_GRAPH_INVALID',
    names: "'Collection Source'",
    remedy: /one OutputTag for both/,
  },
  {
    does: 'maps by an async function',
    build: (env) => words(env).map(async (each) => each),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Map'",
    remedy: /await outside/,
  },
  {
    does: 'maps by what is no function',
    build: (env) => words(env).map(wrong({ filter: () => true })),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Map'",
    remedy: /an object with map/,
  },
  {
    does: 'aggregates without getResult',
    build: (env) =>
      words(env)
        .keyBy('word')
        .window(TumblingEventTimeWindows.of(1))
        .aggregate(wrong({ createAccumulator: () => 0, add: () => 0 })),
    code: 'ILLEGAL_ARGUMENT',
    names: "'TumblingEventTimeWindows'",
    remedy: /give an object with createAccumulator, add, getResult/,
  },
  {
    does: 'gives windows that merge a trigger that cannot',
    build: (env) =>
      words(env)
        .keyBy('word')
        .window(EventTimeSessionWindows.withGap(1))
        .trigger(DeltaTrigger.of(1, () => 0)),
    code: 'JOB_GRAPH_INVALID',
    names: "'EventTimeSessionWindows'",
    remedy: /DeltaTrigger cannot: use another trigger, or give yours canMerge\(\) and onMerge/,
  },
  {
    does: 'aggregates windows that merge without merge',
    build: (env) =>
      words(env)
        .keyBy('word')
        .window(EventTimeSessionWindows.withGap(1))
        .aggregate({ createAccumulator: () => 0, add: (_, n) => n, getResult: (n) => n }),
    code: 'JOB_GRAPH_INVALID',
    names: "'EventTimeSessionWindows'",
    remedy: /has no merge\(a, b\): add it/,
  },
  {
    does: 'triggers by what is no trigger',
    build: (env) => words(env).keyBy('word').window(GlobalWindows.create()).trigger(wrong('often')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'GlobalWindows'",
    remedy: /give a trigger such as CountTrigger\.of\(100\)/,
  },
  {
    does: 'evicts by what is no evictor',
    build: (env) => words(env).keyBy('word').window(GlobalWindows.create()).evictor(wrong({})),
    code: 'ILLEGAL_ARGUMENT',
    names: "'GlobalWindows'",
    remedy: /give an object with evictBefore, evictAfter/,
  },
  {
    does: 'counts windows of no records',
    build: (env) => words(env).keyBy('word').countWindow(0),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /whole number of records above 0/,
  },
  {
    does: 'puts sessions on a source without watermarks',
    build: (env) => {
      const counts = words(env).keyBy('word').window(EventTimeSessionWindows.withGap(1));
      return counts.sum('count').print();
    },
    code: 'WATERMARK_MISSING',
    names: "'EventTimeSessionWindows'",
    remedy: /give the source a WatermarkStrategy/,
  },
  {
    does: 'joins intervals without watermarks',
    build: (env) =>
      words(env)
        .keyBy('word')
        .intervalJoin(words(env).keyBy('word'))
        .between(0, 1)
        .process({ processElement: () => undefined })
        .print(),
    code: 'WATERMARK_MISSING',
    names: "'Interval Join'",
    remedy: /give the source a WatermarkStrategy/,
  },
  {
    does: 'joins an interval with a stream without a key',
    build: (env) =>
      words(env)
        .keyBy('word')
        .intervalJoin(wrong(words(env))),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /call keyBy\(…\) on it first/,
  },
  {
    does: 'swaps the bounds of an interval',
    build: (env) => words(env).keyBy('word').intervalJoin(words(env).keyBy('word')).between(5, -5),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Interval Join'",
    remedy: /give between\(lowerBoundMs, upperBoundMs\) in this order/,
  },
  {
    does: 'excludes all of an interval',
    build: (env) =>
      words(env)
        .keyBy('word')
        .intervalJoin(words(env).keyBy('word'))
        .between(5, 5)
        .lowerBoundExclusive()
        .process({ processElement: () => undefined }),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Interval Join'",
    remedy: /include one, or move them apart/,
  },
  {
    does: 'joins windows by what is no function',
    build: (env) =>
      words(env)
        .join(words(env))
        .where('word')
        .equalTo('word')
        .window(TumblingProcessingTimeWindows.of(1))
        .apply(wrong(7)),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Window Join'",
    remedy: /give a function or an object with join/,
  },
  {
    does: 'windows by what is no assigner',
    build: (env) => words(env).keyBy('word').window(wrong(60_000)),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /TumblingEventTimeWindows\.of/,
  },
  {
    does: 'allows a negative lateness',
    build: (env) =>
      words(env).keyBy('word').window(TumblingEventTimeWindows.of(1)).allowedLateness(-1),
    code: 'ILLEGAL_ARGUMENT',
    names: "'TumblingEventTimeWindows'",
    remedy: /from 0/,
  },
  {
    does: 'gives an empty name',
    build: (env) => words(env).name(''),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /not empty/,
  },
  {
    does: 'sets a buffer timeout of -2',
    build: (env) => words(env).setBufferTimeout(-2),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /-1 to flush full buffers/,
  },
  {
    does: 'collects twice under one name',
    build: (env) => {
      words(env).collectAsync('out');
      words(env).collectAsync('out');
    },
    code: 'JOB_GRAPH_INVALID',
    names: "'Collect out'",
    remedy: /its own/,
  },
  {
    does: 'connects with what is no stream',
    build: (env) => words(env).connect(wrong(undefined)),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /give a stream of the same environment/,
  },
  {
    does: 'connects with a stream of another environment',
    build: (env) => words(env).connect(words(createModuleEnvironment(defaultConfiguration))),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /build both from one/,
  },
  {
    does: 'gives connected streams a function of one input',
    build: (env) =>
      words(env)
        .connect(words(env))
        .process(wrong({ processElement: () => {} })),
    code: 'ILLEGAL_ARGUMENT',
    names: "'Co-Process'",
    remedy: /processElement1, processElement2/,
  },
  {
    does: 'broadcasts with a descriptor that is no map',
    build: (env) => words(env).broadcast(wrong(new ValueStateDescriptor('limit'))),
    code: 'ILLEGAL_ARGUMENT',
    names: "'words'",
    remedy: /MapStateDescriptor\('name'\)/,
  },
  {
    does: 'broadcasts with two states of one name',
    build: (env) =>
      words(env).broadcast(new MapStateDescriptor('rules'), new MapStateDescriptor('rules')),
    code: 'ILLEGAL_ARGUMENT',
    names: "'rules'",
    remedy: /its own/,
  },
  {
    does: 'gives a state no name',
    build: () => new ValueStateDescriptor(''),
    code: 'ILLEGAL_ARGUMENT',
    names: 'ValueStateDescriptor',
    remedy: /not empty/,
  },
  {
    does: 'gives a state no time to live',
    build: () => new ValueStateDescriptor('last', types.long, { ttl: { ttlMs: 0 } }),
    code: 'ILLEGAL_ARGUMENT',
    names: "'last'",
    remedy: /above 0, such as \{ ttl: \{ ttlMs: hours\(1\) \} \}/,
  },
  {
    does: 'reads a side output of a co-map',
    build: (env) =>
      words(env)
        .connect(words(env))
        .map({ map1: (a) => a, map2: (b) => b })
        .getSideOutput(new OutputTag('late')),
    code: 'JOB_GRAPH_INVALID',
    names: "'Co-Map'",
    remedy: /use process\(…\)/,
  },
  {
    does: 'executes in a job module',
    build: async (env) => env.execute(),
    code: 'ILLEGAL_STATE',
    names: 'a job module only builds the graph',
    remedy: /export default \(env\) =>/,
  },
  {
    does: 'collects in a job module',
    build: (env) => words(env).executeAndCollect(),
    code: 'ILLEGAL_STATE',
    names: 'only the host executes',
    remedy: /collectAsync\(name\)/,
  },
];

for (const { does, build, code, names, remedy } of wrongPrograms) {
  test(`refused: a program that ${does}`, async (t) => {
    const env = createModuleEnvironment(defaultConfiguration);
    const error = await t.throwsAsync(
      async () => {
        await build(env);
        buildJobGraph(env);
      },
      { instanceOf: MillraceError },
    );
    t.is(error.code, code);
    t.true(error.message.includes(names), `${error.message} names ${names}`);
    t.regex(error.message, remedy);
  });
}

test('unknown options and executors are refused with those that exist', (t) => {
  t.throws(() => configurationWith(defaultConfiguration, { 'parallelism.defualt': '2' }), {
    message: /parallelism\.default/,
  });
  t.throws(() => StreamExecutionEnvironment.create({ executor: wrong('cluster') }), {
    message: /one of inline, workers, simulated/,
  });
});
