import test from 'ava';
import {
  type DataStream,
  EventTimeSessionWindows,
  type ProcessAllWindowFunction,
  StreamExecutionEnvironment,
  type TimeWindow,
  TumblingEventTimeWindows,
  types,
  WatermarkStrategy,
} from '../../index.ts';

interface Click {
  readonly user: string;
  readonly page: string;
  readonly at: number;
}

interface Order {
  readonly customer: string;
  readonly amount: number;
  readonly at: number;
}

const clickRows: Click[] = [
  { user: 'ann', page: 'a', at: 1 },
  { user: 'ann', page: 'b', at: 8 },
  { user: 'bob', page: 'c', at: 9 },
  { user: 'ann', page: 'd', at: 12 },
  { user: 'eve', page: 'e', at: 25 },
];
const orderRows: Order[] = [
  { customer: 'ann', amount: 10, at: 3 },
  { customer: 'ann', amount: 20, at: 9 },
  { customer: 'bob', amount: 30, at: 11 },
  { customer: 'dan', amount: 40, at: 21 },
];

const clickType = types.row({ user: types.string, page: types.string, at: types.int });
const orderType = types.row({ customer: types.string, amount: types.int, at: types.int });

const inOrder = <T extends { at: number }>(): WatermarkStrategy<T> =>
  WatermarkStrategy.forMonotonousTimestamps<T>().withTimestampAssigner(({ at }) => at);

interface Streams {
  readonly env: StreamExecutionEnvironment;
  readonly clicks: DataStream<Click>;
  readonly orders: DataStream<Order>;
}

function streams(isTyped: boolean): Streams {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  env.setParallelism(1);
  const clicks = isTyped ? env.fromCollection(clickRows, clickType) : env.fromCollection(clickRows);
  const orders = isTyped ? env.fromCollection(orderRows, orderType) : env.fromCollection(orderRows);
  return {
    env,
    clicks: clicks.assignTimestampsAndWatermarks(inOrder<Click>()),
    orders: orders.assignTimestampsAndWatermarks(inOrder<Order>()),
  };
}

async function all<T>(stream: DataStream<T>): Promise<T[]> {
  const results: T[] = [];
  for await (const result of stream.executeAndCollect()) results.push(result);
  return results;
}

for (const isTyped of [false, true]) {
  const kind = isTyped ? 'declared' : 'captured';

  test(`a window join of ${kind} types gives each pair of a key and window`, async (t) => {
    const { clicks, orders } = streams(isTyped);
    const pairs = clicks
      .join(orders)
      .where('user')
      .equalTo('customer')
      .window(TumblingEventTimeWindows.of(10))
      .apply((click, order) => `${click.page}${order.amount}`);
    t.deepEqual((await all(pairs)).toSorted(), ['a10', 'a20', 'b10', 'b20']);
  });

  test(`a co-group of ${kind} types gives both sides, also if one is empty`, async (t) => {
    const { clicks, orders } = streams(isTyped);
    const groups = clicks
      .coGroup(orders)
      .where(({ user }) => user)
      .equalTo(({ customer }) => customer)
      .window(TumblingEventTimeWindows.of(10))
      .apply<string>({
        coGroup: (left, right, out) => {
          const pages = [...left].map(({ page }) => page).toSorted();
          const amounts = [...right].map(({ amount }) => amount).toSorted((a, b) => a - b);
          out.collect(`${pages.join('')}|${amounts.join(',')}`);
        },
      });
    t.deepEqual((await all(groups)).toSorted(), ['ab|10,20', 'c|', 'd|', 'e|', '|30', '|40']);
  });
}

test('a join over sessions, with a function that gives any number of results', async (t) => {
  const { clicks, orders } = streams(false);
  const life: string[] = [];
  const pairs = clicks
    .join(orders)
    .where('user')
    .equalTo('customer')
    .window(EventTimeSessionWindows.withGap(4))
    .apply<string>({
      open: () => void life.push('open'),
      close: () => void life.push('close'),
      flatJoin: (click, order, out) => {
        out.collect(`${click.page}${order.amount}`);
        if (order.amount === 20) out.collect('twenty');
      },
    });
  t.deepEqual((await all(pairs)).toSorted(), ['a10', 'b20', 'c30', 'd20', 'twenty', 'twenty']);
  t.deepEqual(life, ['open', 'close']);
});

test('an interval join runs in a job', async (t) => {
  const { clicks, orders } = streams(false);
  const pairs = clicks
    .keyBy('user')
    .intervalJoin(orders.keyBy('customer'))
    .between(-1, 2)
    .process<string>({
      processElement: (click, order, context, out) =>
        out.collect(`${click.page}${order.amount}@${context.getTimestamp()}`),
    });
  t.deepEqual((await all(pairs)).toSorted(), ['a10@3', 'b20@9', 'c30@11']);
});

test('windows over all records run in one subtask', async (t) => {
  const { orders } = streams(false);
  const totals = orders.windowAll(TumblingEventTimeWindows.of(10)).sum('amount');
  t.deepEqual(
    (await all(totals)).map(({ amount }) => amount),
    [30, 30, 40],
  );
});

test('a function of all records sees its window and is told when it goes', async (t) => {
  const { clicks } = streams(false);
  const gone: number[] = [];
  const describe: ProcessAllWindowFunction<Click, string, TimeWindow> = {
    process: ({ window }, elements, out) =>
      out.collect(`${window.start}:${[...elements].map(({ page }) => page).join('')}`),
    clear: ({ window }) => void gone.push(window.start),
  };
  const texts = clicks.windowAll(TumblingEventTimeWindows.of(10)).process(describe);
  t.deepEqual(await all(texts), ['0:abc', '10:d', '20:e']);
  t.deepEqual(gone, [0, 10, 20]);
});

test('count windows over all records', async (t) => {
  const { orders } = streams(false);
  const largest = orders.countWindowAll(3, 2).maxBy('amount');
  t.deepEqual(
    (await all(largest)).map(({ amount }) => amount),
    [20, 40],
  );
});
