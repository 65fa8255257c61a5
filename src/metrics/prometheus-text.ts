/**
 * Renders subtask snapshots in Prometheus' text format, version 0.0.4.
 *
 * Invariant: all samples of one metric stand together under one TYPE line, as the format demands.
 */
import type { SubtaskSnapshot } from './metrics-reader.ts';
import { OPERATOR_METRICS, TASK_METRICS, type TaskMetric } from './metrics-layout.ts';

/** Names for the labels; snapshots carry indices only. */
export interface PrometheusNames {
  readonly jobName: string;
  /** The vertex' name. */
  vertexName(vertex: number): string;
  /** The name of an operator of the vertex' chain. */
  operatorName(vertex: number, operator: number): string;
}

const PREFIX = 'millrace_job_task_';
/** What may go down; all else only grows. */
const GAUGES: ReadonlySet<TaskMetric> = new Set<TaskMetric>(['currentWatermark', 'longestGapMs']);

/** The whole page for a scrape. */
export function prometheusText(
  snapshots: readonly SubtaskSnapshot[],
  names: PrometheusNames,
): string {
  const lines: string[] = [];
  for (const metric of TASK_METRICS) {
    lines.push(`# TYPE ${PREFIX}${metric} ${GAUGES.has(metric) ? 'gauge' : 'counter'}`);
    for (const snapshot of snapshots) {
      const labels = taskLabels(snapshot, names);
      lines.push(sample(metric, labels, snapshot[metric]));
    }
  }
  for (const metric of OPERATOR_METRICS) {
    lines.push(`# TYPE ${PREFIX}operator_${metric} counter`);
    for (const { labels, operator } of operatorsOf(snapshots, names)) {
      lines.push(sample(`operator_${metric}`, labels, operator[metric]));
    }
  }
  lines.push(`# TYPE ${PREFIX}operator_counter counter`);
  for (const { labels, operator } of operatorsOf(snapshots, names)) {
    for (const [name, count] of Object.entries(operator.counters)) {
      lines.push(sample('operator_counter', { ...labels, counter: name }, count));
    }
  }
  return `${lines.join('\n')}\n`;
}

type Labels = Readonly<Record<string, string>>;

interface LabelledOperator {
  readonly labels: Labels;
  readonly operator: SubtaskSnapshot['operators'][number];
}

function operatorsOf(
  snapshots: readonly SubtaskSnapshot[],
  names: PrometheusNames,
): LabelledOperator[] {
  return snapshots.flatMap((snapshot) =>
    snapshot.operators.map((operator, index) => ({
      labels: {
        ...taskLabels(snapshot, names),
        operator_name: names.operatorName(snapshot.vertex, index),
      },
      operator,
    })),
  );
}

function taskLabels(snapshot: SubtaskSnapshot, names: PrometheusNames): Labels {
  return {
    job_name: names.jobName,
    task_name: names.vertexName(snapshot.vertex),
    subtask_index: String(snapshot.subtask),
  };
}

function sample(metric: string, labels: Labels, value: number): string {
  const text = Object.entries(labels).map(([name, label]) => `${name}="${escaped(label)}"`);
  return `${PREFIX}${metric}{${text.join(',')}} ${number(value)}`;
}

/** The format's escapes inside a label's quotes. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
