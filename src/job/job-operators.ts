/** The operators of a job graph as checkpoints know them. */
import type { ManifestOperator } from '../checkpoint/manifest.ts';
import type { JobGraph } from '../graph/job-graph.ts';

/** All operators, in the order of vertices and chains. */
export function operatorsOf(graph: JobGraph): readonly ManifestOperator[] {
  return graph.vertices.flatMap(({ index, parallelism, maxParallelism, nodes }) =>
    nodes.map(({ operatorId, name, uid, spec }) => ({
      operatorId,
      name,
      uid,
      kind: spec.kind,
      vertex: index,
      parallelism,
      maxParallelism,
    })),
  );
}
