/** What the throughput of is measured, and raced: a job, and how its state is kept. */
import { type ThroughputJob, throughputJob } from '../jobs/throughput.ts';
import type { StateSetting } from '../support/state-setting.ts';

/** See the file's head. */
export interface ThroughputVariant {
  readonly name: string;
  readonly job: ThroughputJob;
  /** Undefined: in memory, no checkpoints. */
  readonly state: StateSetting | undefined;
  /** Events of a full run. */
  readonly events: number;
  /** A race. */
  readonly race: {
    /** Events that each engine gets at first. */
    readonly ours: number;
    readonly flink: number;
    /** Fewer events than these are not enough for a side that was too quick. */
    readonly eventsMin: number;
    readonly secondsMin: number;
  };
}

/** As in the Flink harness's `flink.properties`: managed memory, and a checkpoint each 10 s. */
const ROCKSDB: StateSetting = { backend: 'rocksdb', checkpointSeconds: 10, memory: '2g' };
const HEAP_RACE = { eventsMin: 30_000_000, secondsMin: 20 };
/** Long enough for three checkpoints. */
const ROCKSDB_RACE = { eventsMin: 5_000_000, secondsMin: 32 };

/** All of them. */
export const throughputVariants: readonly ThroughputVariant[] = [
  inMemory('passthrough', 500_000_000, 180_000_000),
  inMemory('windowsum', 240_000_000, 50_000_000),
  inMemory('wordcount', 80_000_000, 30_000_000),
  onRocksDB('windowsum', 700_000_000, 14_000_000),
  onRocksDB('wordcount', 200_000_000, 10_000_000),
];

function inMemory(name: ThroughputJob['name'], ours: number, flink: number): ThroughputVariant {
  const job = throughputJob(name);
  const race = { ours, flink, ...HEAP_RACE };
  return { name, job, state: undefined, events: job.events, race };
}

function onRocksDB(name: ThroughputJob['name'], ours: number, flink: number): ThroughputVariant {
  const race = { ours, flink, ...ROCKSDB_RACE };
  const job = throughputJob(name);
  return { name: `${name}-rocksdb`, job, state: ROCKSDB, events: ours, race };
}
