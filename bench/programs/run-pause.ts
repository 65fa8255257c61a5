/**
 * The child process of one pause run. Prints one JSON line.
 *
 *     node run-pause.ts <module> <keys> <windows> <parallelism>
 */
import { executeJobModule } from '../../src/index.ts';
import type { JobHandle } from '../../src/job/job-handle.ts';
import { MetricsReader } from '../../src/metrics/metrics-reader.ts';
import { peakResidentMiB } from '../support/process-figures.ts';

const [module = '', keys = '', windows = '2', parallelism = '2'] = process.argv.slice(2);
const events = Number(keys) * Number(windows);
await using job = await executeJobModule(module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args: [`keys=${keys}`, `events=${events}`],
});
const { metrics, netRuntimeMs } = await job.getJobExecutionResult();
const fired = metrics.vertices.at(-1)?.operators.at(-1)?.numRecordsIn;
if (fired !== events) throw new Error(`${fired} windows fired, expected ${events}`);
// Every job client of the engine is a JobHandle; the public metrics leave the gaps out.
const { metricsLayout, metricsBuffer } = job as unknown as JobHandle;
const reader = new MetricsReader(metricsLayout, metricsBuffer);
const gaps = metrics.vertices.map((_, vertex) => reader.vertex(vertex).longestGapMs);
console.log(
  JSON.stringify({
    longestGapMs: Math.max(...gaps),
    sourceGapMs: gaps[0],
    windowGapMs: gaps.at(-1),
    perSecond: (events / netRuntimeMs) * 1000,
    peakRssMiB: peakResidentMiB(),
  }),
);
