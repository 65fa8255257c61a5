/**
 * Runs an operator through the same elements, straight and interrupted, and gives what came out by
 * key in order.
 */
import type { OutputTag } from '../../functions/output-tag.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import type { HarnessSnapshot } from '../harness/harness-snapshots.ts';
import type {
  OperatorTestHarness,
  OperatorTestHarnessOptions,
} from '../harness/operator-test-harness.ts';

/** What is done to an operator. */
export interface Act {
  readonly row?: unknown;
  readonly row2?: unknown;
  readonly timestamp?: number;
  readonly watermark?: number;
  readonly time?: number;
  readonly step?: boolean;
}

/** An operator and what is done to it. */
export interface OperatorCase {
  readonly name: string;
  readonly acts: readonly Act[];
  /** Acts that take several slices. */
  readonly bulk?: readonly Act[];
  readonly sideOutputs?: readonly OutputTag<AnyRecord>[];
  /** `written`: where a sink under test puts its records. */
  readonly make: (written: unknown[], options: OperatorTestHarnessOptions) => Harness;
  readonly isSource?: boolean;
  /** It has one subtask, always. */
  readonly isNonParallel?: boolean;
}

/** What came out, by output and key, in order. */
export type Results = Readonly<Record<string, readonly unknown[]>>;

/** A harness of any operator. */
export type Harness = OperatorTestHarness<unknown, unknown, unknown>;

/** Without interruption. */
export async function straight(operator: OperatorCase): Promise<Results> {
  return everyCut(operator, []);
}

/**
 * With a snapshot and a restore before each of the elements at `cuts`; before every one if left
 * out.
 */
export async function everyCut(
  operator: OperatorCase,
  cuts?: readonly number[],
  options?: OperatorTestHarnessOptions,
): Promise<Results> {
  const run = new Run(operator, options);
  for (const [index, act] of operator.acts.entries()) {
    if (cuts === undefined || cuts.includes(index)) await run.restart(1);
    run.act(act, index);
  }
  if (cuts === undefined || cuts.includes(operator.acts.length)) await run.restart(1);
  return run.end();
}

/** At parallelism 1 for a third of the elements, then at 3, then at 2. */
export async function rescaled(operator: OperatorCase): Promise<Results> {
  const run = new Run(operator);
  const third = Math.floor(operator.acts.length / 3);
  for (const [index, act] of operator.acts.entries()) {
    if (index === third) await run.restart(3);
    if (index === 2 * third) await run.restart(2);
    run.act(act, index);
  }
  return run.end();
}

/** Slices one at a time, with a snapshot and a restore after each. */
export async function slices(operator: OperatorCase): Promise<Results> {
  const run = new Run(operator);
  let count = 0;
  for (const [index, act] of operator.acts.entries()) {
    if (act.watermark === undefined) {
      run.act(act, index);
      continue;
    }
    count += await run.slice(act.watermark);
  }
  if (count < 2)
    throw new Error(`the watermark of '${operator.name}' took ${count} slices: one more key?`);
  return run.end();
}

class Run {
  readonly #operator: OperatorCase;
  readonly #results = new Map<string, unknown[]>();
  readonly #options: OperatorTestHarnessOptions;
  readonly #written: unknown[] = [];
  #harnesses: readonly Harness[];

  constructor(operator: OperatorCase, options: OperatorTestHarnessOptions = {}) {
    this.#operator = operator;
    this.#options = options;
    this.#harnesses = [operator.make(this.#written, options)];
  }

  act(act: Act, index: number): void {
    const { row, row2, timestamp, watermark, time } = act;
    for (const [subtask, harness] of this.#harnesses.entries()) {
      const isMine = index % this.#harnesses.length === subtask;
      if (row !== undefined && this.#takes(harness, row, isMine)) {
        harness.pushElement(row, timestamp);
      }
      if (row2 !== undefined && this.#takes2(harness, row2, isMine)) {
        harness.pushElement2(row2, timestamp);
      }
      if (watermark !== undefined) harness.pushWatermark(watermark);
      if (time !== undefined) harness.setProcessingTime(time);
      if (act.step === true) harness.step();
    }
    this.#collect();
  }

  /** Handles a watermark in slices, with a restart between any two; how many there were. */
  async slice(watermark: number): Promise<number> {
    let count = 0;
    this.#only().offerWatermark(watermark);
    while (this.#only().step()) {
      count++;
      this.#collect();
      // What a watermark has left to do is done by the next one, here the same again.
      if (count % 2 === 0) continue;
      await this.restart(1);
      this.#only().offerWatermark(watermark);
    }
    return count;
  }

  /** Snapshots, and goes on from them at another parallelism. */
  async restart(parallelism: number): Promise<void> {
    const snapshots: HarnessSnapshot[] = [];
    for (const harness of this.#harnesses) {
      snapshots.push(await harness.snapshot());
      this.#collect();
      await harness.close();
    }
    const [first] = this.#harnesses;
    if (first === undefined) return;
    if (this.#operator.isSource === true) {
      this.#harnesses = [this.#operator.make(this.#written, this.#options).restore(...snapshots)];
    } else {
      this.#harnesses = await first.rescale(parallelism, ...snapshots);
    }
  }

  async end(): Promise<Results> {
    for (const harness of this.#harnesses) {
      await harness.endInput();
      this.#collect();
      await harness.close();
    }
    for (const value of this.#written) this.#add('sink', value, undefined);
    return Object.fromEntries([...this.#results].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #only(): Harness {
    const [harness] = this.#harnesses;
    if (harness === undefined || this.#harnesses.length > 1) throw new Error('one harness only');
    return harness;
  }

  #takes(harness: Harness, row: unknown, isMine: boolean): boolean {
    return harness.partitioning[0] === 'hash' ? harness.owns(row) : isMine;
  }

  #takes2(harness: Harness, row: unknown, isMine: boolean): boolean {
    if (harness.partitioning[1] === 'broadcast') return true;
    return harness.partitioning[1] === 'hash' ? harness.owns2(row) : isMine;
  }

  #collect(): void {
    for (const harness of this.#harnesses) {
      for (const element of harness.takeOutput()) {
        if (element.kind === 'record') this.#add('main', element.value, element.timestamp);
      }
      for (const tag of this.#operator.sideOutputs ?? []) {
        for (const { value, timestamp } of harness.takeSideOutput(tag)) {
          this.#add(tag.id, value, timestamp);
        }
      }
      for (const { value, timestamp } of harness.takeCollected()) {
        this.#add('collect', value, timestamp);
      }
    }
  }

  #add(output: string, value: unknown, timestamp: number | undefined): void {
    const key = (value as { readonly k?: string } | null)?.k ?? '';
    const name = `${output} ${key}`;
    const list = this.#results.get(name) ?? [];
    this.#results.set(name, list);
    list.push({ value, timestamp });
  }
}
