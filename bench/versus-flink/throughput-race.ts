/**
 * Our engine and Flink on the same job and the same events, by turns, with the same backend and
 * interval of checkpoints.
 *
 * A pair counts only if both sides ran long enough and had at least {@link CORES_MIN} of the two
 * cores; if not, it is printed as void and repeated, with more events for the side that was too
 * short.
 */
import { type BenchResult, type Figures, mediansOf, printResult } from '../support/bench.ts';
import { settingConfig } from '../support/state-setting.ts';
import { checkResults, runOurs } from '../throughput/throughput.ts';
import type { ThroughputVariant } from '../throughput/variants.ts';
import type { Harness } from './harness.ts';

const CORES_MIN = 1.7;
/** Void pairs that are repeated, as a multiple of the pairs asked for. */
const VOID_PAIRS_FACTOR = 2;

/** How many events each side gets. */
interface RaceEvents {
  ours: number;
  flink: number;
}

const QUICK_FLINK_EVENTS = 3_000_000;

/** How long a race takes. */
export interface RaceOptions {
  readonly pairs: number;
  readonly quick: boolean;
}

/** Races one job and prints the pairs and the ratios; false if there were too many void pairs. */
export async function raceThroughput(
  variant: ThroughputVariant,
  harness: Harness,
  options: RaceOptions,
): Promise<boolean> {
  const { name, job, state, race } = variant;
  await checkResults(job, state);
  const events: RaceEvents = { ours: race.ours, flink: race.flink };
  if (options.quick) Object.assign(events, { ours: job.quickEvents, flink: QUICK_FLINK_EVENTS });
  const pairs: Figures[] = [];
  let voids = 0;
  while (pairs.length < options.pairs && voids <= options.pairs * VOID_PAIRS_FACTOR) {
    const pair = await runPair(variant, harness, events);
    const reason = options.quick ? undefined : voidReason(pair, race.secondsMin);
    if (reason === undefined) pairs.push(pair);
    else voids++;
    printPair(variant, pair, reason, events);
    if (!options.quick) enlarge(events, pair, race);
  }
  if (pairs.length < options.pairs) {
    process.stderr.write(`${name}: only ${pairs.length} pairs counted, ${voids} were void\n`);
  }
  if (pairs.length === 0) return false;
  printResult(summary(variant, pairs, voids));
  return pairs.length === options.pairs;
}

async function runPair(
  { job, state }: ThroughputVariant,
  harness: Harness,
  events: RaceEvents,
): Promise<Figures> {
  const ours = await runOurs(job, events.ours, state);
  const backend = state?.backend === 'rocksdb' ? 'rocksdb' : 'hashmap';
  const flink = await harness.run(
    ['stream', job.name, events.flink, job.keys, 2, backend],
    state?.checkpointSeconds,
  );
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
    ...(state === undefined ? {} : { oursCheckpoints: ours['checkpoints'] ?? Number.NaN }),
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

function voidReason(pair: Figures, secondsMin: number): string | undefined {
  for (const side of ['ours', 'flink']) {
    const cores = pair[`${side}Cores`] ?? 0;
    if (!(cores >= CORES_MIN))
      return `${side} had ${cores.toFixed(2)} cores, less than ${CORES_MIN}`;
    const seconds = pair[`${side}Seconds`] ?? 0;
    if (!(seconds >= secondsMin))
      return `${side} ran ${seconds.toFixed(1)} s, less than ${secondsMin}`;
  }
  return undefined;
}

/** More events for a side that was too short. */
function enlarge(
  events: RaceEvents,
  pair: Figures,
  { secondsMin, eventsMin }: ThroughputVariant['race'],
): void {
  for (const side of ['ours', 'flink'] as const) {
    const seconds = pair[`${side}Seconds`] ?? secondsMin;
    if (seconds >= secondsMin) continue;
    const wanted = (events[side] * secondsMin * 1.25) / seconds;
    events[side] = Math.max(eventsMin, Math.ceil(wanted / 1e6) * 1_000_000);
  }
}

function printPair(
  variant: ThroughputVariant,
  pair: Figures,
  reason: string | undefined,
  events: RaceEvents,
): void {
  const verdict = reason === undefined ? {} : { void: reason };
  const config = {
    ...raceConfig(variant),
    oursEvents: events.ours,
    flinkEvents: events.flink,
    ...verdict,
  };
  printResult({ bench: `versus-flink ${variant.name}, one pair`, config, runs: 1, medians: pair });
}

function summary(
  variant: ThroughputVariant,
  pairs: readonly Figures[],
  voids: number,
): BenchResult {
  return {
    bench: `versus-flink ${variant.name}`,
    config: { ...raceConfig(variant), voidPairs: voids },
    runs: pairs.length,
    medians: mediansOf(pairs),
  };
}

function raceConfig({ job, state }: ThroughputVariant): Record<string, string | number> {
  const common = { keys: job.keys, parallelism: 2 };
  if (state === undefined) return { ...common, flinkBackend: 'hashmap', checkpoints: 'none' };
  return { ...common, flinkBackend: state.backend, ...settingConfig(state) };
}
