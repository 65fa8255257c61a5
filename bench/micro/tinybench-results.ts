/** From tinybench's tasks to bench results. */
import { Bench as TinyBench } from 'tinybench';
import type { BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';

const RUNS = 5;

/** A measured function that handles many rows per call. */
export interface MicroTask {
  readonly name: string;
  /** Rows, frames … per call: figures are per one of them. */
  readonly perCall: number;
  readonly call: () => void;
}

/**
 * Measures the tasks one after the other, several times over; medians of the runs' median times.
 */
export async function microResult(
  bench: string,
  tasks: readonly MicroTask[],
  quick: boolean,
): Promise<BenchResult> {
  const each: Figures[] = [];
  for (let run = 0; run < (quick ? 1 : RUNS); run++) {
    const tiny = new TinyBench({ time: quick ? 50 : 500, warmupTime: quick ? 50 : 200 });
    for (const { name, call } of tasks) tiny.add(name, call);
    await tiny.run();
    each.push(
      Object.fromEntries(tasks.map((task) => [`${task.name} ns`, nanosPerOne(tiny, task)])),
    );
  }
  const perCall = Object.fromEntries(tasks.map((task) => [`${task.name} per call`, task.perCall]));
  return { bench, config: perCall, runs: each.length, medians: mediansOf(each), each };
}

function nanosPerOne(tiny: TinyBench, { name, perCall }: MicroTask): number {
  const result = tiny.getTask(name)?.result;
  if (result === undefined || !('latency' in result)) throw new Error(`${name} was not measured`);
  return (result.latency.p50 * 1e6) / perCall;
}
