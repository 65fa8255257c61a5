/** Runs a job module: what `millrace run` does, for programs. */
import { buildJobGraph } from '../api/datastream/module-environment.ts';
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { builtIn } from '../graph/built-ins.ts';
import {
  configurationWith,
  defaultConfiguration,
  type ExecutorName,
} from '../graph/configuration.ts';
import { type JobClient, jobExecutor } from '../graph/job-client.ts';
import { buildModuleGraph } from './job-module.ts';

/** How a job module is run. */
export interface JobModuleOptions {
  readonly executor?: ExecutorName | undefined;
  readonly parallelism?: number | undefined;
  /** Options by key, as after `-D`. */
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  /** What the module's function gets as `args`. */
  readonly args?: readonly string[] | undefined;
  readonly jobName?: string | undefined;
  /**
   * Whether to go on with the newest job of `execution.checkpointing.dir` instead of starting a new
   * one; if there is none, a new one starts. Throws JOB_FINISHED if that job has finished.
   */
  readonly resume?: boolean | undefined;
  /**
   * Told of what ends nothing but should be known: a damaged checkpoint that was passed over, an
   * operator that stalls.
   */
  readonly onWarning?: ((warning: Error) => void) | undefined;
  readonly environment?: Environment | undefined;
}

/**
 * Starts the job of a module (`export default (env, args) => …`), on worker threads unless another
 * executor is named.
 *
 * @throws JOB_MODULE_INVALID, JOB_GRAPH_INVALID and the other errors of a wrong program, before
 * anything runs
 * @example
 * await using job = await executeJobModule(new URL('./job.ts', import.meta.url), { parallelism: 2 })
 * const { netRuntimeMs } = await job.getJobExecutionResult()
 */
export async function executeJobModule(
  url: URL | string,
  options: JobModuleOptions = {},
): Promise<JobClient> {
  const { executor = 'workers', parallelism, configuration = {}, args = [] } = options;
  const named = { ...defaultConfiguration, executor };
  const base = configurationWith(
    parallelism === undefined
      ? named
      : configurationWith(named, { 'parallelism.default': String(parallelism) }),
    configuration,
  );
  const href = hrefOf(url);
  const jobName = options.jobName ?? nameOf(href);
  const module = { url: href, args };
  const graph = await buildModuleGraph(module, base, jobName, buildJobGraph);
  const environment = options.environment ?? builtIn('environment')();
  return jobExecutor(base.executor).execute({
    graph,
    environment,
    module,
    resume: options.resume,
    onWarning: options.onWarning,
  });
}

function hrefOf(url: URL | string): string {
  if (url instanceof URL) return url.href;
  if (URL.canParse(url)) return new URL(url).href;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `executeJobModule got '${url}': give a file URL, for example new URL('./job.ts', import.meta.url)`,
  );
}

function nameOf(href: string): string {
  const file = href.slice(href.lastIndexOf('/') + 1);
  return decodeURIComponent(file.replace(/\.[cm]?[jt]s$/, '')) || 'job';
}
