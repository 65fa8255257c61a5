/**
 * Job modules: `export default (env, args) => void | Promise<void>` (or `main`) builds the graph,
 * in the host and in every worker.
 */
import { createModuleEnvironment } from '../api/datastream/module-environment.ts';
import type { StreamExecutionEnvironment } from '../api/datastream/stream-execution-environment.ts';
import { ERROR_CODES, MillraceError } from '../base/errors.ts';
import type { PipelineConfiguration } from '../graph/configuration.ts';
import type { JobModule } from '../graph/job-client.ts';
import type { JobGraph } from '../graph/job-graph.ts';

/** What a job module exports as default (or as `main`). */
export type JobMain = (
  env: StreamExecutionEnvironment,
  args: readonly string[],
) => void | Promise<void>;

/** Imports the module and builds its graph. */
export async function buildModuleGraph(
  module: JobModule,
  configuration: PipelineConfiguration,
  jobName: string,
  build: (env: StreamExecutionEnvironment, jobName: string) => JobGraph,
): Promise<JobGraph> {
  const main = await importMain(module.url);
  const env = createModuleEnvironment(configuration);
  await runMain(main, env, module);
  return build(env, jobName);
}

async function runMain(
  main: JobMain,
  env: StreamExecutionEnvironment,
  { url, args }: JobModule,
): Promise<void> {
  try {
    await main(env, args);
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code) in ERROR_CODES) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError(
      'JOB_MODULE_INVALID',
      `the job module ${url} threw while it built the program: ${reason}`,
      { cause: error },
    );
  }
}

async function importMain(url: string): Promise<JobMain> {
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url)) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError(
      'JOB_MODULE_INVALID',
      `the job module ${url} cannot be imported: ${reason}`,
      {
        cause: error,
      },
    );
  }
  const main = exports['default'] ?? exports['main'];
  if (typeof main === 'function') return main as JobMain;
  throw new MillraceError(
    'JOB_MODULE_INVALID',
    `the job module ${url} exports neither a default function nor main: write export default (env, args) => { … }`,
  );
}
