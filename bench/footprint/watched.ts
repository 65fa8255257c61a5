/** Runs built jobs in processes of their own and watches what they take. */
import type { BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { builtModule } from '../support/built.ts';
import { runModule } from '../support/child.ts';

const PARALLELISM = 2;

/** A job to watch. */
export interface Watched {
  readonly bench: string;
  readonly job: string;
  readonly args: readonly string[];
  readonly settleSeconds: number;
  readonly watchedSeconds: number;
  readonly runs: number;
}

/** The medians of several runs. */
export async function watch(watched: Watched): Promise<BenchResult> {
  const { bench, job, args, settleSeconds, watchedSeconds, runs } = watched;
  const runner = await builtModule('programs/run-watched.ts');
  const { href } = await builtModule(`jobs/${job}.ts`);
  const each: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    each.push(
      await runModule<Figures>(runner, [href, PARALLELISM, settleSeconds, watchedSeconds, ...args]),
    );
  }
  const config = { job, parallelism: PARALLELISM, watchedSeconds, arguments: args.join(' ') };
  return { bench, config, runs, medians: mediansOf(each), each };
}
