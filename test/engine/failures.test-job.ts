/**
 * Programs in which user code fails at one place: the place comes in the first argument, a log's
 * path in the second.
 */
import {
  END_OF_INPUT,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type RuntimeContext,
  type Sink,
  type Source,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from '../../src/index.ts';

/** Where user code can fail, and the operator that the failure must name. */
export const PLACES: Readonly<Record<string, string>> = {
  enumerator: 'numbers',
  'reader-create': 'numbers',
  'reader-start': 'numbers',
  'reader-add-splits': 'numbers',
  reader: 'numbers',
  'reader-available': 'numbers',
  'reader-close': 'numbers',
  map: 'mapper',
  'map-open': 'mapper',
  'map-close': 'mapper',
  filter: 'filterer',
  'flat-map': 'flat',
  'flat-map-iterable': 'flat',
  process: 'processor',
  key: 'processor',
  reduce: 'reducer',
  aggregate: 'windows',
  'window-function': 'windows',
  'sink-create': 'end',
  'sink-write': 'end',
  'sink-backpressure': 'end',
  'sink-flush': 'end',
  'sink-prepare': 'end',
  'sink-commit': 'end',
  'sink-close': 'end',
};

/** The record on which functions fail. */
export const BAD = 40;

/** What failing user code throws. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

type Log = (line: string) => void;

/** Builds the program; `log` is told of every open and close. */
export function buildFailing(env: StreamExecutionEnvironment, place: string, log: Log): void {
  const fail = (where: string): void => {
    if (where === place) throw new UserError(`failed in ${where}`);
  };
  const failOn = (where: string, n: number): void => {
    if (n === BAD) fail(where);
  };
  const life = (name: string): { open(context: RuntimeContext): void; close(): void } => ({
    open: ({ indexOfThisSubtask }) => log(`open ${name} ${indexOfThisSubtask}`),
    close: () => log(`close ${name}`),
  });
  const numbers = env.fromSource(
    failingSource(fail, failOn, log),
    WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((n: number) => n),
    'numbers',
  );
  numbers
    .map({
      open: (context) => {
        life('mapper').open(context);
        fail('map-open');
      },
      map: (n: number) => {
        failOn('map', n);
        return n;
      },
      close: () => {
        life('mapper').close();
        fail('map-close');
      },
    })
    .name('mapper')
    .filter({
      ...life('filterer'),
      filter: (n: number) => {
        failOn('filter', n);
        return true;
      },
    })
    .name('filterer')
    .rebalance()
    .flatMap<number>({
      ...life('flat'),
      flatMap: (n, out) => {
        failOn('flat-map', n);
        out.collect(n);
        return lazily(() => failOn('flat-map-iterable', n));
      },
    })
    .name('flat')
    .process<number>({
      ...life('processor'),
      processElement: (n, _context, out) => {
        failOn('process', n);
        out.collect(n);
      },
    })
    .name('processor')
    .keyBy((n) => {
      failOn('key', n);
      return n % 5;
    })
    .reduce((_, b) => {
      failOn('reduce', b);
      return b;
    })
    .name('reducer')
    .keyBy((n) => n % 5)
    .window(TumblingEventTimeWindows.of(30))
    .aggregate(
      {
        createAccumulator: () => 0,
        add: (n, sum) => {
          failOn('aggregate', n);
          return sum + n;
        },
        getResult: (sum) => sum,
      },
      {
        ...life('windows'),
        process: (_key, { window }, [sum = 0], out) => {
          if (window.start === 30) fail('window-function');
          out.collect(sum);
        },
      },
    )
    .name('windows')
    .sinkTo(failingSink(fail, log))
    .name('end');
}

/** Iterates over nothing, after `act`. */
function lazily(act: () => void): Iterable<never> {
  return {
    [Symbol.iterator]: () => {
      act();
      return [][Symbol.iterator]();
    },
  };
}

/** The numbers from 0 to 99, ten per poll, in one subtask. */
function failingSource(
  fail: (where: string) => void,
  failOn: (where: string, n: number) => void,
  log: Log,
): Source<number> {
  return {
    boundedness: 'bounded',
    createEnumerator: (context) => ({
      start: () => fail('enumerator'),
      addReader: (subtask) => {
        if (subtask === 0) context.assignSplit({ splitId: 'all' }, 0);
        context.signalNoMoreSplits(subtask);
      },
      handleSplitRequest: () => {},
      addSplitsBack: () => {},
      snapshotState: () => [],
      close: () => log('close enumerator'),
    }),
    createReader: ({ indexOfSubtask }) => {
      fail('reader-create');
      log(`open reader ${indexOfSubtask}`);
      let next = Infinity;
      let ends = false;
      return {
        start: () => fail('reader-start'),
        pollNext: (output) => {
          if (next === Infinity) return ends ? END_OF_INPUT : NOTHING_AVAILABLE;
          for (let i = 0; i < 10; i++) {
            failOn('reader', next);
            output.collect(next++);
          }
          if (next >= 100) next = Infinity;
          return MORE_AVAILABLE;
        },
        isAvailable: () => Promise.resolve().then(() => fail('reader-available')),
        addSplits: () => {
          fail('reader-add-splits');
          next = 0;
        },
        notifyNoMoreSplits: () => {
          ends = true;
        },
        snapshotState: () => [],
        close: () => {
          log('close reader');
          fail('reader-close');
        },
      };
    },
  };
}

function failingSink(fail: (where: string) => void, log: Log): Sink<number, string> {
  return {
    createWriter: ({ indexOfThisSubtask }) => {
      fail('sink-create');
      log(`open end ${indexOfThisSubtask}`);
      return {
        write: () => fail('sink-write'),
        backpressure: () => rejected(() => fail('sink-backpressure')),
        flush: async () => fail('sink-flush'),
        prepareCommit: () => {
          fail('sink-prepare');
          return ['c'];
        },
        close: () => {
          log('close end');
          fail('sink-close');
        },
      };
    },
    createCommitter: () => {
      log('open committer');
      return { commit: () => fail('sink-commit'), close: () => log('close committer') };
    },
  };
}

/** A rejected promise if `act` throws, else undefined: no backpressure. */
function rejected(act: () => void): Promise<void> | undefined {
  let thrown: { readonly error: unknown } | undefined;
  try {
    act();
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) return undefined;
  const { error } = thrown;
  return Promise.resolve().then(() => {
    throw error;
  });
}

/** The job module: args are the place and the log file. */
export function main(env: StreamExecutionEnvironment, [place = '']: readonly string[]): void {
  buildFailing(env, place, () => {});
}
