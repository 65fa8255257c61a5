/**
 * The figures of one throughput run, and those of its checkpoints if it takes any; rates are
 * records per second.
 */
export interface ThroughputFigures {
  readonly events: number;
  /** From the source's first record to the job's end. */
  readonly seconds: number;
  readonly perSecond: number;
  /** Without the first 5 s. */
  readonly steadyPerSecond: number;
  readonly steadySeconds: number;
  /** CPU seconds of the process per second, in the steady part and in the whole. */
  readonly cores: number;
  readonly wholeCores: number;
  /**
   * CPU time of the whole process, from the first record on, per record: what other work on the
   * machine disturbs least.
   */
  readonly cpuNanosPerRecord: number;
  readonly peakRssMiB: number;
  readonly startToFirstRecordMs: number;
  /** `checkpointFigures` */
  readonly [checkpoint: string]: number;
}
