/**
 * The main example on all 3 million flights, against a computation that shares no code with it: own
 * reading, plain Maps.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import test from 'ava';
import { type AsyncBuffer, parquetRead } from 'hyparquet';
import { ROOT, runCli, temporaryFolder } from './run-cli.ts';

const FLIGHTS = 3_000_000;
const HOUR_MS = 3_600_000;
const OUT_OF_ORDER_MS = 24 * HOUR_MS;

interface Flights {
  readonly date: readonly number[];
  readonly delay: readonly number[];
  readonly distance: readonly number[];
  readonly origin: readonly string[];
  readonly destination: readonly string[];
}

interface AirportHour {
  readonly airport: string;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly flights: number;
  readonly meanDelay: number;
  readonly worstDelay: number;
}

interface Flight {
  readonly date: number;
  readonly delay: number;
  readonly origin: string;
}

let input: Flights;

test.before('read the file', async () => {
  const bytes = readFileSync(join(ROOT, 'node_modules/vega-datasets/data/flights-3m.parquet'));
  input = await readColumns(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
});

test.serial('windows and late flights equal a plain computation, row for row', async (t) => {
  t.timeout(120_000);
  using folder = temporaryFolder();
  const result = await runExample(folder.path, '1');
  const expected = plainResult(input);
  const windows = linesOf(join(folder.path, 'windows'));
  const late = linesOf(join(folder.path, 'late'));
  t.is(firstDifference(windows, expected.windows), undefined);
  t.is(firstDifference(late, expected.late), undefined);
  t.true(late.length > 1000);
  t.is(result.numRecordsIn, FLIGHTS);
  t.is(result.numLateRecordsSideOutput, late.length);
  t.is(result.numLateRecordsDropped + result.numDeadLetters + result.numShapeMisfits, 0);
  t.deepEqual(
    result.sinks.map((sink) => sink.numRecords),
    [windows.length, late.length],
  );
  const files = (name: string): number => readdirSync(join(folder.path, name)).length;
  t.deepEqual(
    result.sinks.map((sink) => sink.numFiles),
    [files('windows'), files('late')],
  );
  t.true(files('windows') > 2, 'the files roll');
});

test.serial('with two readers on-time and late flights together are the input', async (t) => {
  t.timeout(120_000);
  using folder = temporaryFolder();
  const result = await runExample(folder.path, '2');
  t.is(result.numRecordsIn, FLIGHTS);
  const actual = new Totals();
  for (const line of linesOf(join(folder.path, 'windows'))) {
    const { airport, windowStart, flights, meanDelay } = JSON.parse(line) as AirportHour;
    actual.add(airport, windowStart, { flights, delay: Math.round(meanDelay * flights) });
  }
  for (const line of linesOf(join(folder.path, 'late'))) {
    const { origin, date, delay } = JSON.parse(line) as Flight;
    actual.add(origin, hourOf(date + delay * 60_000), { flights: 1, delay });
  }
  const expected = new Totals();
  for (let row = 0; row < FLIGHTS; row++) {
    const delay = input.delay[row] ?? 0;
    const time = (input.date[row] ?? 0) + delay * 60_000;
    expected.add(input.origin[row] ?? '', hourOf(time), { flights: 1, delay });
  }
  t.is(firstDifference(actual.lines(), expected.lines()), undefined);
});

interface Result {
  readonly numRecordsIn: number;
  readonly numLateRecordsDropped: number;
  readonly numLateRecordsSideOutput: number;
  readonly numDeadLetters: number;
  readonly numShapeMisfits: number;
  readonly sinks: readonly { readonly numRecords: number; readonly numFiles: number }[];
}

async function runExample(out: string, sourceParallelism: string): Promise<Result> {
  const { code, stdout, stderr } = await runCli(
    'run',
    'src/examples/flights.ts',
    '--parallelism',
    '2',
    '--json',
    '--',
    '--out',
    out,
    '--source-parallelism',
    sourceParallelism,
  );
  if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Result;
}

/** What the example must write, sorted: each flight is late or in its window. */
function plainResult(flights: Flights): { windows: readonly string[]; late: readonly string[] } {
  const windows = new Map<string, { count: number; total: number; worst: number }>();
  const late: string[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < flights.date.length; row++) {
    const date = flights.date[row] ?? 0;
    const delay = flights.delay[row] ?? 0;
    const origin = flights.origin[row] ?? '';
    const time = date + delay * 60_000;
    const start = hourOf(time);
    if (start + HOUR_MS - 1 <= watermark) {
      const distance = flights.distance[row];
      const destination = flights.destination[row];
      late.push(JSON.stringify({ date, delay, distance, origin, destination }));
    } else {
      const key = `${origin} ${start}`;
      const window = windows.get(key);
      if (window === undefined) windows.set(key, { count: 1, total: delay, worst: delay });
      else {
        window.count++;
        window.total += delay;
        window.worst = Math.max(window.worst, delay);
      }
    }
    watermark = Math.max(watermark, time - OUT_OF_ORDER_MS - 1);
  }
  return { windows: [...windows].map(windowLine).toSorted(), late: late.toSorted() };
}

function windowLine([key, { count, total, worst }]: readonly [
  string,
  { readonly count: number; readonly total: number; readonly worst: number },
]): string {
  const [airport = '', start] = key.split(' ');
  const windowStart = Number(start);
  const result: AirportHour = {
    airport,
    windowStart,
    windowEnd: windowStart + HOUR_MS,
    flights: count,
    meanDelay: total / count,
    worstDelay: worst,
  };
  return JSON.stringify(result);
}

function hourOf(time: number): number {
  return Math.floor(time / HOUR_MS) * HOUR_MS;
}

/** Flights and delays by airport and hour. */
class Totals {
  readonly #cells = new Map<string, { flights: number; delay: number }>();

  add(airport: string, hour: number, more: { flights: number; delay: number }): void {
    const key = `${airport} ${hour}`;
    const cell = this.#cells.get(key);
    if (cell === undefined) {
      this.#cells.set(key, { ...more });
      return;
    }
    cell.flights += more.flights;
    cell.delay += more.delay;
  }

  lines(): readonly string[] {
    return [...this.#cells]
      .map(([key, { flights, delay }]) => `${key}: ${flights} flights, ${delay} min`)
      .toSorted();
  }
}

/** All lines of a folder's files, sorted. */
function linesOf(folder: string): readonly string[] {
  return readdirSync(folder)
    .flatMap((name) => {
      if (name.startsWith('.')) throw new Error(`${name} was left in progress`);
      const lines = readFileSync(join(folder, name), 'utf8').split('\n');
      if (lines.pop() !== '') throw new Error(`${name} ends within a line`);
      return lines;
    })
    .toSorted();
}

function firstDifference(
  actual: readonly string[],
  expected: readonly string[],
): string | undefined {
  const length = Math.max(actual.length, expected.length);
  for (let line = 0; line < length; line++) {
    if (actual[line] === expected[line]) continue;
    const sizes = `of ${actual.length} and ${expected.length} lines`;
    return `line ${line} ${sizes} is ${actual[line]}, expected ${expected[line]}`;
  }
  return undefined;
}

async function readColumns(file: AsyncBuffer): Promise<Flights> {
  const columns: Record<string, unknown[]> = {};
  await parquetRead({
    file,
    compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
    onChunk: ({ columnName, columnData, rowStart }) => {
      const column = (columns[columnName] ??= new Array<unknown>(FLIGHTS));
      for (let row = 0; row < columnData.length; row++) {
        const value: unknown = columnData[row];
        column[rowStart + row] = typeof value === 'string' ? value : Number(value);
      }
    },
  });
  return columns as unknown as Flights;
}
