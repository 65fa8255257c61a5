/** Reads a running job's shared metrics into {@link JobMetrics}. */
import type { JobMetrics, VertexMetrics } from '../graph/job-client.ts';
import type { JobGraph, JobVertex } from '../graph/job-graph.ts';
import { MetricsLayout, type MetricsLayoutData } from '../metrics/metrics-layout.ts';
import { MetricsReader, type TaskSnapshot } from '../metrics/metrics-reader.ts';

/** The metrics layout of a graph; host and workers compute the same. */
export function metricsLayoutOf(graph: JobGraph): MetricsLayout {
  const subtasks: MetricsLayoutData['subtasks'][number][] = [];
  for (const vertex of graph.vertices) {
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
      subtasks.push({ vertex: vertex.index, subtask, operators: vertex.nodes.length });
    }
  }
  return new MetricsLayout({ subtasks });
}

interface Times {
  readonly busyMs: number;
  readonly backPressuredMs: number;
  readonly allMs: number;
}

/** Gives {@link JobMetrics} on demand; the ratios are of the time since the call before. */
export class JobMetricsView {
  readonly #graph: JobGraph;
  readonly #reader: MetricsReader;
  readonly #before = new Map<number, Times>();

  constructor(graph: JobGraph, layout: MetricsLayout, buffer: ArrayBufferLike) {
    this.#graph = graph;
    this.#reader = new MetricsReader(layout, buffer);
  }

  read(): JobMetrics {
    const vertices = this.#graph.vertices.map((vertex) => this.#vertex(vertex));
    let numRecordsInTotal = 0;
    for (const [index, vertex] of this.#graph.vertices.entries()) {
      if (vertex.nodes[0]?.spec.kind !== 'source') continue;
      numRecordsInTotal += vertices[index]?.operators[0]?.numRecordsIn ?? 0;
    }
    return { vertices, numRecordsInTotal };
  }

  #vertex(vertex: JobVertex): VertexMetrics {
    const snapshot = this.#reader.vertex(vertex.index);
    const { busyRatio, backPressuredRatio } = this.#ratios(vertex.index, snapshot);
    return {
      name: vertex.name,
      parallelism: vertex.parallelism,
      currentWatermark: snapshot.currentWatermark,
      busyRatio,
      backPressuredRatio,
      numShapeMisfits: snapshot.numShapeMisfits,
      operators: vertex.nodes.map((node) => {
        const operator = snapshot.operators[node.index];
        return {
          name: node.name,
          kind: node.spec.kind,
          operatorId: node.operatorId,
          numRecordsIn: operator?.numRecordsIn ?? 0,
          numRecordsOut: operator?.numRecordsOut ?? 0,
          numLateRecordsDropped: operator?.numLateRecordsDropped ?? 0,
          numLateRecordsSideOutput: operator?.numLateRecordsSideOutput ?? 0,
          numDeadLetters: operator?.numDeadLetters ?? 0,
          counters: operator?.counters ?? {},
        };
      }),
    };
  }

  #ratios(
    index: number,
    snapshot: TaskSnapshot,
  ): Pick<VertexMetrics, 'busyRatio' | 'backPressuredRatio'> {
    const { busyMs, backPressuredMs, idleMs } = snapshot;
    const before = this.#before.get(index) ?? { busyMs: 0, backPressuredMs: 0, allMs: 0 };
    const allMs = busyMs + backPressuredMs + idleMs;
    this.#before.set(index, { busyMs, backPressuredMs, allMs });
    const spentMs = Math.max(allMs - before.allMs, Number.EPSILON);
    return {
      busyRatio: Math.min(1, (busyMs - before.busyMs) / spentMs),
      backPressuredRatio: Math.min(1, (backPressuredMs - before.backPressuredMs) / spentMs),
    };
  }
}
