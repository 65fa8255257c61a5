/**
 * Environments for job modules: `export default (env, args) => …` is called in the host and in
 * every worker, builds the same graph everywhere, and never executes.
 */
import type { PipelineConfiguration } from '../../graph/configuration.ts';
import type { JobGraph } from '../../graph/job-graph.ts';
import { jobGraphFrom } from '../../graph/job-graph-builder.ts';
import { DEFAULT_JOB_NAME, StreamExecutionEnvironment } from './stream-execution-environment.ts';

/** An environment that builds, but refuses to execute. */
export function createModuleEnvironment(
  configuration: PipelineConfiguration,
): StreamExecutionEnvironment {
  return StreamExecutionEnvironment.forModule(configuration);
}

/** The graph of what was built in `env`. */
export function buildJobGraph(
  env: StreamExecutionEnvironment,
  jobName: string = DEFAULT_JOB_NAME,
): JobGraph {
  return jobGraphFrom(env.getStreamGraph(), jobName);
}
