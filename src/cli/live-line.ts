/**
 * One line on a terminal, rewritten while a job runs.
 *
 * Invariants:
 * 1. The line is never longer than the terminal is wide: a wrapped line could not be rewritten.
 * 2. After `stop` the line is gone, and no timer is left.
 */
import type { Clock, Timer } from '../base/environment.ts';
import type { CheckpointInfo, JobClient } from '../graph/job-client.ts';
import { jobFigures, type JobFigures } from './job-figures.ts';
import { countText, durationText, rateText, watermarkText } from './number-text.ts';
import type { TextStream } from './terminal.ts';

/** Between two rewrites. */
const INTERVAL_MS = 200;
/** The rate is that of the last second: shorter spans jump about. */
const RATE_SAMPLES = 5;
const ERASE_LINE = '\r\x1b[2K';

interface Sample {
  readonly timeMs: number;
  readonly numRecordsIn: number;
}

/** See the file's head. */
export class LiveLine {
  readonly #job: JobClient;
  readonly #stream: TextStream;
  readonly #clock: Clock;
  readonly #samples: Sample[] = [];
  #timer: Timer | undefined;
  #isShown = false;

  constructor(job: JobClient, stream: TextStream, clock: Clock) {
    this.#job = job;
    this.#stream = stream;
    this.#clock = clock;
  }

  start(): void {
    this.#rewrite();
  }

  /** Makes room for other output; the next rewrite brings the line back. */
  clear(): void {
    if (this.#isShown) this.#stream.write(ERASE_LINE);
    this.#isShown = false;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.clear();
  }

  #rewrite(): void {
    const figures = jobFigures(this.#job.metrics());
    const progress: Progress = {
      figures,
      recordsPerSecond: this.#recordsPerSecond(figures.numRecordsIn),
      lastCheckpoint: this.#job.checkpoints().history[0],
      numRestarts: this.#job.restarts().length,
    };
    // The last column stays free: some terminals wrap as soon as it is written.
    this.#stream.write(ERASE_LINE + liveText(progress, this.#stream.columns - 1));
    this.#isShown = true;
    this.#timer = this.#clock.setTimer(INTERVAL_MS, () => this.#rewrite());
  }

  #recordsPerSecond(numRecordsIn: number): number {
    const timeMs = this.#clock.monotonicMs();
    this.#samples.push({ timeMs, numRecordsIn });
    if (this.#samples.length > RATE_SAMPLES + 1) this.#samples.shift();
    const [oldest] = this.#samples;
    if (oldest === undefined || timeMs <= oldest.timeMs) return 0;
    return ((numRecordsIn - oldest.numRecordsIn) / (timeMs - oldest.timeMs)) * 1000;
  }
}

/** What the line shows. */
export interface Progress {
  readonly figures: JobFigures;
  readonly recordsPerSecond: number;
  readonly lastCheckpoint: Pick<CheckpointInfo, 'checkpointId' | 'durationMs'> | undefined;
  readonly numRestarts: number;
}

/** The line's text: with all words if they fit, else in short, most wanted first. */
export function liveText(progress: Progress, columns: number): string {
  const { figures, recordsPerSecond } = progress;
  const late = countText(figures.numLateRecordsDropped + figures.numLateRecordsSideOutput);
  const rate = rateText(recordsPerSecond);
  const watermark = watermarkText(figures.watermark);
  const deadLetters = countText(figures.numDeadLetters);
  const backPressure = `backpressure ${Math.round(figures.backPressuredRatio * 100)}%`;
  const full = [
    `${rate} records/s`,
    `${countText(figures.numRecordsIn)} total`,
    `watermark ${watermark}`,
    backPressure,
    `late ${late}`,
    `dead letters ${deadLetters}`,
    ...recoveryTexts(progress, 'checkpoint', 'restarts'),
  ].join('  ');
  if (full.length <= columns) return full;
  const minute = watermark.replace(/(T\d\d:\d\d):\d\dZ$/, '$1Z');
  const counts = `late ${late}  dead ${deadLetters}`;
  const total = `${rateText(figures.numRecordsIn)} in`;
  const recovery = recoveryTexts(progress, 'ckpt', 'rst');
  const short = [`${rate}/s`, total, `wm ${minute}`, backPressure, ...recovery, counts];
  return short.join('  ').slice(0, columns);
}

/** Nothing where there were neither checkpoints nor restarts. */
function recoveryTexts(
  { lastCheckpoint, numRestarts }: Progress,
  checkpoint: string,
  restarts: string,
): readonly string[] {
  const texts: string[] = [];
  if (lastCheckpoint !== undefined) {
    const { checkpointId, durationMs } = lastCheckpoint;
    texts.push(`${checkpoint} ${checkpointId} (${durationText(durationMs)})`);
  }
  if (numRestarts > 0) texts.push(`${restarts} ${countText(numRestarts)}`);
  return texts;
}
