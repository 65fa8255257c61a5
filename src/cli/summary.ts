/** What a finished job did, for people. */
import type { CheckpointStatistics, JobExecutionResult } from '../graph/job-client.ts';
import { jobFigures, type JobFigures, type SinkFigures } from './job-figures.ts';
import { bytesText, countText, durationText, rateText } from './number-text.ts';
import type { TextStyle } from './text-style.ts';

type Row = readonly [label: string, text: string];

/** The summary, with a line end after every line. */
export function summaryText(
  result: JobExecutionResult,
  numRestarts: number,
  style: TextStyle,
): string {
  const figures = jobFigures(result.metrics);
  const rows = [
    ...figureRows(figures, result.netRuntimeMs),
    ...checkpointRows(result.checkpoints),
    ...(numRestarts === 0 ? [] : [['restarts', countText(numRestarts)] as const]),
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = [
    `${style.green('finished')} ${style.bold(result.jobName)} in ${durationText(result.netRuntimeMs)}`,
    ...rows.map(([label, text]) => `  ${style.dim(label.padEnd(width))}  ${text}`),
    ...sinkLines(figures.sinks, style),
  ];
  return `${lines.join('\n')}\n`;
}

function figureRows(figures: JobFigures, runtimeMs: number): readonly Row[] {
  const { numLateRecordsSideOutput: aside, numLateRecordsDropped: dropped } = figures;
  const perSecond = figures.numRecordsIn / Math.max(runtimeMs / 1000, Number.EPSILON);
  return [
    ['records in', `${countText(figures.numRecordsIn)} (${rateText(perSecond)} records/s)`],
    ['late', `${countText(aside + dropped)}${lateNote(aside, dropped)}`],
    ['dead letters', countText(figures.numDeadLetters)],
    ['shape misfits', countText(figures.numShapeMisfits)],
  ];
}

/** None where none was tried. */
function checkpointRows(statistics: CheckpointStatistics): readonly Row[] {
  const { numCompleted, numFailed, meanDurationMs, maxDurationMs, totalBytes } = statistics;
  if (numCompleted + numFailed === 0) return [];
  const failed = numFailed === 0 ? '' : `, ${countText(numFailed)} failed`;
  if (numCompleted === 0) return [['checkpoints', `0${failed}`]];
  const times = `mean ${durationText(meanDurationMs)}, longest ${durationText(maxDurationMs)}`;
  const sizes = `${bytesText(totalBytes)} written`;
  return [['checkpoints', `${countText(numCompleted)} (${times}, ${sizes})${failed}`]];
}

function lateNote(aside: number, dropped: number): string {
  if (aside + dropped === 0) return '';
  return ` (${countText(aside)} to side outputs, ${countText(dropped)} dropped)`;
}

function sinkLines(sinks: readonly SinkFigures[], style: TextStyle): readonly string[] {
  if (sinks.length === 0) return [];
  const table = sinks.map((sink) => [
    sink.name,
    countText(sink.numRecords),
    'records',
    ...(sink.numFiles === undefined ? [] : [countText(sink.numFiles), filesText(sink)]),
  ]);
  const widthOf = (column: number): number =>
    Math.max(...table.map((row) => (row[column] ?? '').length));
  const [names, records, , files] = [0, 1, 2, 3].map(widthOf);
  const lines = table.map(([name = '', count = '', unit = '', numFiles, note]) => {
    const start = `    ${name.padEnd(names ?? 0)}  ${count.padStart(records ?? 0)} ${unit}`;
    if (numFiles === undefined || note === undefined) return start;
    return `${start}  ${numFiles.padStart(files ?? 0)} ${note}`;
  });
  return [`  ${style.dim('written')}`, ...lines];
}

function filesText({ numFiles, numBytes }: SinkFigures): string {
  const unit = numFiles === 1 ? 'file ' : 'files';
  return numBytes === undefined ? unit.trim() : `${unit}  ${bytesText(numBytes)}`;
}
