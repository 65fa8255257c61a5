/**
 * The main example: 3 million real flights, counted by airport and hour.
 *
 * Event time is when a flight really left (scheduled time plus delay), while the file is in the
 * order of the schedule: half of the rows lag the latest one by 6 to 24 hours, and about 3,600 by
 * more than 24. Those are late: they go to a side output instead of a window.
 *
 * With one reading subtask (the default) the order of the rows, and with it which ones are late, is
 * always the same.
 *
 *     npm start        # two worker threads, each run into a folder of its own below out/flights
 *     millrace run src/examples/flights.ts --parallelism 4 -- --out DIR --source-parallelism 2
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fileSink, fileSource, jsonLinesFormat, parquetFormat } from '../connectors/file/index.ts';
import {
  type AggregateFunction,
  hours,
  minutes,
  OutputTag,
  type ProcessWindowFunction,
  type StreamExecutionEnvironment,
  type TimeWindow,
  TumblingEventTimeWindows,
  type TypeOf,
  types,
  WatermarkStrategy,
} from '../index.ts';

const flight = types.row({
  date: types.timestamp,
  /** Minutes; negative: it left early. */
  delay: types.int,
  distance: types.int,
  origin: types.string,
  destination: types.string,
});
type Flight = TypeOf<typeof flight>;

const airportHour = types.row({
  airport: types.string,
  windowStart: types.timestamp,
  windowEnd: types.timestamp,
  flights: types.int,
  meanDelay: types.double,
  worstDelay: types.int,
});
type AirportHour = TypeOf<typeof airportHour>;

interface Delays {
  flights: number;
  totalDelay: number;
  worstDelay: number;
}

type DelaySummary = Pick<AirportHour, 'flights' | 'meanDelay' | 'worstDelay'>;

/** All that a window keeps: three numbers, however many flights it has. */
const summarizeDelays: AggregateFunction<Flight, Delays, DelaySummary> = {
  createAccumulator: () => ({ flights: 0, totalDelay: 0, worstDelay: -Infinity }),
  add: (value, delays) => {
    delays.flights++;
    delays.totalDelay += value.delay;
    if (value.delay > delays.worstDelay) delays.worstDelay = value.delay;
    return delays;
  },
  getResult: ({ flights, totalDelay, worstDelay }) => {
    return { flights, meanDelay: totalDelay / flights, worstDelay };
  },
};

/** Adds what only the window knows: whose it is, and when. */
const addAirportAndHour: ProcessWindowFunction<DelaySummary, AirportHour, string, TimeWindow> = {
  process: (airport, { window }, [summary], out) => {
    if (summary === undefined) return;
    const { flights, meanDelay, worstDelay } = summary;
    const { start: windowStart, end: windowEnd } = window;
    out.collect({ airport, windowStart, windowEnd, flights, meanDelay, worstDelay });
  },
};

const lateFlights = new OutputTag<Flight>('late flights', flight);

/** What can be set, after `--`. */
function readOptions(args: readonly string[]): { out: string; sourceParallelism: number } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      /** The folder for the results; files of earlier runs in it are kept. */
      out: { type: 'string', default: 'out/flights' },
      /** How many subtasks read: above 1, which flights are late depends on who reads faster. */
      'source-parallelism': { type: 'string', default: '1' },
    },
  });
  return { out: values.out, sourceParallelism: Number(values['source-parallelism']) };
}

/** Builds the job; `millrace run` calls it, here and in every worker thread. */
export default function flights(env: StreamExecutionEnvironment, args: readonly string[]): void {
  const { out, sourceParallelism } = readOptions(args);
  const data = new URL('../data/', import.meta.resolve('vega-datasets'));
  const path = fileURLToPath(new URL('flights-3m.parquet', data));

  const hourly = env
    .fromSource(
      fileSource({ path, format: parquetFormat({ type: flight }) }),
      WatermarkStrategy.forBoundedOutOfOrderness<Flight>(hours(24))
        .withEmitStrategy('on-event')
        .withTimestampAssigner(({ date, delay }) => date + minutes(delay)),
      'flights',
    )
    .setParallelism(sourceParallelism)
    .keyBy('origin')
    .window(TumblingEventTimeWindows.of(hours(1)))
    .sideOutputLateData(lateFlights)
    .aggregate(summarizeDelays, addAirportAndHour, airportHour)
    .name('delays by airport and hour');

  const rollingPolicy = { maxPartBytes: 8 * 1024 * 1024 };
  hourly
    .sinkTo(fileSink({ path: `${out}/windows`, format: jsonLinesFormat(), rollingPolicy }))
    .name(`${out}/windows`);
  hourly
    .getSideOutput(lateFlights)
    .sinkTo(fileSink({ path: `${out}/late`, format: jsonLinesFormat(), rollingPolicy }))
    .name(`${out}/late`);
}
