/**
 * Our engine and Flink on the same job and the same events, by turns.
 *
 * A pair counts only if both sides ran at least {@link SECONDS_MIN} and had at least {@link CORES_MIN} of the two cores; if not,
 * it is printed as void and repeated, with more events for the side that was too short.
 */
import type { ThroughputJob } from '../jobs/throughput.ts';
import { type BenchResult, type Figures, mediansOf, printResult } from '../support/bench.ts';
import { checkResults, runOurs } from '../throughput/throughput.ts';
import type { Harness } from './harness.ts';

const SECONDS_MIN = 20;
const CORES_MIN = 1.7;
const EVENTS_MIN = 30_000_000;
/** Void pairs that are repeated, as a multiple of the pairs asked for. */
const VOID_PAIRS_FACTOR = 2;

/** How many events each side gets at first: about 25 s. */
interface RaceEvents {
  ours: number;
  flink: number;
}

const FIRST_EVENTS: Readonly<Record<ThroughputJob['name'], RaceEvents>> = {
  passthrough: { ours: 500_000_000, flink: 180_000_000 },
  windowsum: { ours: 240_000_000, flink: 50_000_000 },
  wordcount: { ours: 80_000_000, flink: 30_000_000 },
};

/** How long a race takes. */
export interface RaceOptions {
  readonly pairs: number;
  readonly quick: boolean;
}

/** Races one job and prints the pairs and the ratios; false if there were too many void pairs. */
export async function raceThroughput(
  job: ThroughputJob,
  harness: Harness,
  options: RaceOptions,
): Promise<boolean> {
  await checkResults(job);
  const events = { ...FIRST_EVENTS[job.name] };
  if (options.quick) Object.assign(events, { ours: job.quickEvents, flink: 5_000_000 });
  const pairs: Figures[] = [];
  let voids = 0;
  while (pairs.length < options.pairs && voids <= options.pairs * VOID_PAIRS_FACTOR) {
    const pair = await runPair(job, harness, events);
    const reason = options.quick ? undefined : voidReason(pair);
    if (reason === undefined) pairs.push(pair);
    else voids++;
    printPair(job, pair, reason, events);
    if (!options.quick) enlarge(events, pair);
  }
  if (pairs.length < options.pairs) {
    process.stderr.write(`${job.name}: only ${pairs.length} pairs counted, ${voids} were void\n`);
  }
  if (pairs.length === 0) return false;
  printResult(summary(job, pairs, voids));
  return pairs.length === options.pairs;
}

async function runPair(job: ThroughputJob, harness: Harness, events: RaceEvents): Promise<Figures> {
  const ours = await runOurs(job, events.ours);
  const flink = await harness.run(['stream', job.name, events.flink, job.keys, 2, 'hashmap']);
  const figure = (name: string): number => flink[name] ?? Number.NaN;
  return {
    ratio: ours.perSecond / figure('eps'),
    steadyRatio: ours.steadyPerSecond / figure('steadyEps'),
    cpuRatio: (figure('cpuSecs') * 1e9) / figure('events') / ours.cpuNanosPerRecord,
    oursPerSecond: ours.perSecond,
    oursSteadyPerSecond: ours.steadyPerSecond,
    oursSeconds: ours.seconds,
    oursCores: ours.cores,
    oursCpuNanosPerRecord: ours.cpuNanosPerRecord,
    oursPeakRssMiB: ours.peakRssMiB,
    oursEvents: ours.events,
    flinkPerSecond: figure('eps'),
    flinkSteadyPerSecond: figure('steadyEps'),
    flinkSeconds: figure('secs'),
    flinkCores: figure('cores'),
    flinkCpuNanosPerRecord: (figure('cpuSecs') * 1e9) / figure('events'),
    flinkPeakRssMiB: figure('peakRssMB'),
    flinkEvents: figure('events'),
    othersCpuSecondsDuringFlink: figure('othersCpuSecs'),
  };
}

function voidReason(pair: Figures): string | undefined {
  for (const side of ['ours', 'flink']) {
    const cores = pair[`${side}Cores`] ?? 0;
    if (!(cores >= CORES_MIN))
      return `${side} had ${cores.toFixed(2)} cores, less than ${CORES_MIN}`;
    const seconds = pair[`${side}Seconds`] ?? 0;
    if (!(seconds >= SECONDS_MIN))
      return `${side} ran ${seconds.toFixed(1)} s, less than ${SECONDS_MIN}`;
  }
  return undefined;
}

/** More events for a side that was too short. */
function enlarge(events: RaceEvents, pair: Figures): void {
  for (const side of ['ours', 'flink'] as const) {
    const seconds = pair[`${side}Seconds`] ?? SECONDS_MIN;
    if (seconds >= SECONDS_MIN) continue;
    const wanted = (events[side] * SECONDS_MIN * 1.25) / seconds;
    events[side] = Math.max(EVENTS_MIN, Math.ceil(wanted / 1e6) * 1_000_000);
  }
}

function printPair(
  job: ThroughputJob,
  pair: Figures,
  reason: string | undefined,
  events: RaceEvents,
): void {
  const verdict = reason === undefined ? {} : { void: reason };
  const config = {
    ...raceConfig(job),
    oursEvents: events.ours,
    flinkEvents: events.flink,
    ...verdict,
  };
  printResult({ bench: `versus-flink ${job.name}, one pair`, config, runs: 1, medians: pair });
}

function summary(job: ThroughputJob, pairs: readonly Figures[], voids: number): BenchResult {
  return {
    bench: `versus-flink ${job.name}`,
    config: { ...raceConfig(job), voidPairs: voids },
    runs: pairs.length,
    medians: mediansOf(pairs),
  };
}

function raceConfig(job: ThroughputJob): Record<string, string | number> {
  return { keys: job.keys, parallelism: 2, flinkBackend: 'hashmap', checkpoints: 'none' };
}
