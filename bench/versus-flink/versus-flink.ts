/** `npm run bench -- versus-flink <name|all>`: both engines on this machine, by turns. */
import { throughputVariants } from '../throughput/variants.ts';
import { buildHarness, type Harness, HARNESS_VARIABLE, harnessFolder } from './harness.ts';
import { raceLatency, raceLatencyRocksDB } from './latency-race.ts';
import { type RaceOptions, raceThroughput } from './throughput-race.ts';
import { raceUpdates } from './updates-race.ts';

/** Runs its pairs and prints them; false if too few counted. */
type Race = (harness: Harness, options: RaceOptions) => Promise<boolean>;

const RACES: ReadonlyMap<string, Race> = new Map<string, Race>([
  ...throughputVariants.map((variant): [string, Race] => [
    variant.name,
    (harness, options) => raceThroughput(variant, harness, options),
  ]),
  ['latency', raceLatency],
  ['latency-rocksdb', raceLatencyRocksDB],
  ['beyond-memory', raceUpdates],
]);

/** What can be raced. */
export const raceNames: readonly string[] = [...RACES.keys()];

/** Races the job of that name, or all; returns the exit code. */
export async function versusFlink(name: string, options: RaceOptions): Promise<number> {
  const races = [...RACES].flatMap(([each, race]) => (name === 'all' || name === each ? race : []));
  if (races.length === 0) {
    return complain(`there is no race '${name}'; there are ${raceNames.join(', ')}`);
  }
  if (!Number.isInteger(options.pairs) || options.pairs < 1) {
    return complain(`--pairs is ${options.pairs}: give a whole number from 1`);
  }
  const folder = harnessFolder();
  if (folder === undefined) {
    return complain(
      'the Flink harness is missing: it is expected in ../shared/flink-harness beside the ' +
        `repository, or in the folder that ${HARNESS_VARIABLE} names`,
    );
  }
  const harness = await buildHarness(folder);
  let isComplete = true;
  for (const race of races) {
    if (!(await race(harness, options))) isComplete = false;
  }
  return isComplete ? 0 : 1;
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
