/** What the command line tells of a job, added up from its metrics. */
import type { JobMetrics, OperatorMetrics } from '../graph/job-client.ts';

/** A job's totals at one moment. */
export interface JobFigures {
  readonly numRecordsIn: number;
  /** The smallest watermark of the vertices that have one; -Infinity if none has. */
  readonly watermark: number;
  /** The share of the vertex that waits most for those behind it, 0 to 1. */
  readonly backPressuredRatio: number;
  readonly numLateRecordsDropped: number;
  readonly numLateRecordsSideOutput: number;
  readonly numDeadLetters: number;
  readonly numShapeMisfits: number;
  readonly sinks: readonly SinkFigures[];
}

/** One sink's totals. */
export interface SinkFigures {
  readonly name: string;
  readonly numRecords: number;
  /** Files that it finished, if it writes files. */
  readonly numFiles: number | undefined;
  readonly numBytes: number | undefined;
}

/** Adds up. */
export function jobFigures({ vertices, numRecordsInTotal }: JobMetrics): JobFigures {
  const operators = vertices.flatMap((vertex) => vertex.operators);
  const sum = (value: (operator: OperatorMetrics) => number): number =>
    operators.reduce((total, operator) => total + value(operator), 0);
  const watermarks = vertices
    .map((vertex) => vertex.currentWatermark)
    .filter((watermark) => watermark !== Number.NEGATIVE_INFINITY);
  return {
    numRecordsIn: numRecordsInTotal,
    watermark: watermarks.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...watermarks),
    backPressuredRatio: Math.max(0, ...vertices.map((vertex) => vertex.backPressuredRatio)),
    numLateRecordsDropped: sum((operator) => operator.numLateRecordsDropped),
    numLateRecordsSideOutput: sum((operator) => operator.numLateRecordsSideOutput),
    numDeadLetters: sum((operator) => operator.numDeadLetters),
    numShapeMisfits: vertices.reduce((total, vertex) => total + vertex.numShapeMisfits, 0),
    sinks: operators.filter((operator) => operator.kind === 'sink').map(sinkFigures),
  };
}

function sinkFigures({ name, numRecordsIn, counters }: OperatorMetrics): SinkFigures {
  return {
    name: name.replace(/^Sink: /, ''),
    numRecords: numRecordsIn,
    // Counters that a sink keeps if it writes files, as the file sink does.
    numFiles: counters['numFilesCommitted'],
    numBytes: counters['numBytesCommitted'],
  };
}
