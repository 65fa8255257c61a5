/**
 * Generates the loops of a chain: one function per way in (rows by reference, frames of one schema,
 * a source's `collect`, what a stage emits by itself), with the code of all row operators inline.
 *
 * Invariants:
 * 1. Users' functions, field names and literals enter as closure constants; the text of the code
 *    has none of them.
 * 2. Each call of a user function stands in code that only this chain and subtask run, so V8 can
 *    keep it monomorphic.
 * 3. Before each user call `progress.at` names the operator, and after a failure `progress.row` the
 *    row, for the error report.
 */
import type {
  ChainStage,
  Emit,
  LoopBuilder,
  RowBatch,
  RowNames,
  StageCounts,
} from '../../operators/chain-stage.ts';
import { BATCH_ROWS, NO_TIMESTAMP } from '../../operators/chain-stage.ts';
import { compile } from '../../types/codec-generation.ts';
import type { FrameReader } from '../../types/frame-reader.ts';

/** Where a loop is, for error reports. */
export interface LoopProgress {
  /** Index of the node whose user code ran last. */
  at: number;
  /** Index of the row within the batch or frame. */
  row: number;
  /** Rows that came out of the head since the task looked last (sources). */
  emitted: number;
  /** The record that a source's reader collected and that the chain failed on. */
  collected: unknown;
}

/** What the compiler knows of a node of the chain. */
export interface LoopNode {
  readonly index: number;
  readonly stage: ChainStage;
  readonly counts: StageCounts;
  /** Whether all that comes to it is what its parent emits on the main output. */
  readonly isOnMainOutput: boolean;
  /** Chained nodes on the main output, then the write functions of edges on the main output. */
  readonly children: readonly number[];
  readonly writes: readonly Emit[];
  /** Chained nodes and edges by side output. */
  readonly sideOutputs: ReadonlyMap<string, SideTargets>;
  /**
   * For stages that take batches and are not the head: the batch being filled, and its hand-over.
   */
  readonly batch: RowBatch | undefined;
  readonly flushBatch: ((input?: number) => void) | undefined;
}

/** Where a side output goes. */
export interface SideTargets {
  readonly children: readonly number[];
  readonly writes: readonly Emit[];
}

/** Runs rows [from, to) of a batch. */
export type RunRows = (batch: RowBatch, from: number, to: number) => void;
/** Runs rows [from, to) of the frame that its reader has open. */
export type RunFrame = (from: number, to: number) => void;

/** What a source's reader calls for each record. */
export type Collect = (value: unknown, timestamp?: number) => void;

/** See the file's head. */
export class LoopCompiler {
  readonly #nodes: readonly (LoopNode | undefined)[];
  readonly #progress: LoopProgress;
  readonly #dump: ((name: string, source: string) => void) | undefined;

  constructor(
    nodes: readonly (LoopNode | undefined)[],
    progress: LoopProgress,
    dump?: (name: string, source: string) => void,
  ) {
    this.#nodes = nodes;
    this.#progress = progress;
    this.#dump = dump;
  }

  /** The loop over rows by reference that come on an input of the head. */
  runRows(input: number = 0): RunRows {
    const code = new FunctionCode(this.#nodes, this.#progress);
    code.push('const values = batch.values, timestamps = batch.timestamps;');
    code.loop(() => code.row(0, { value: 'values[i]', timestamp: 'timestamps[i]' }, input));
    return this.#compile(input === 0 ? 'run-rows' : `run-rows-${input}`, code, [
      'batch',
      'from',
      'to',
    ]) as RunRows;
  }

  /**
   * The loop over frames of one schema; rows are decoded inline. Keyed heads that take batches get
   * the hashes along.
   */
  runFrame(reader: FrameReader, name: string, input: number = 0): RunFrame {
    const code = new FunctionCode(this.#nodes, this.#progress);
    const read = code.bind(reader.read, 'read');
    const timestamp = `${code.bind(reader.timestampAt, 'timestampAt')}(i)`;
    if (this.#node(0).stage.onRow === undefined) {
      code.batch(input, { read, timestamp, hash: `${code.bind(reader.hashAt, 'hashAt')}(i)` });
    } else {
      code.loop(() => code.row(0, { value: `${read}(i)`, timestamp }, input));
    }
    return this.#compile(`run-frame-${name}`, code, ['from', 'to']) as RunFrame;
  }

  /** What a source's reader calls for each record. */
  collect(): Collect {
    const code = new FunctionCode(this.#nodes, this.#progress);
    code.headIsCounted = true;
    const progress = code.bind(this.#progress, 'progress');
    code.push(`${progress}.emitted++;`);
    code.push(`const time = timestamp === undefined ? ${literal(NO_TIMESTAMP)} : timestamp;`);
    code.push('try {');
    code.row(0, { value: 'value', timestamp: 'time' });
    code.push('} catch (error) {');
    code.push(`${progress}.collected = value;`);
    code.push('throw error;');
    code.push('}');
    // What the reader does next is the source's own again, should it fail.
    code.push(`${progress}.at = 0;`);
    return this.#compile('collect', code, ['value', 'timestamp']) as Collect;
  }

  /** What a stage calls to emit on its main output. */
  emitter(index: number): Emit {
    const code = new FunctionCode(this.#nodes, this.#progress);
    const node = this.#node(index);
    code.count(index, 'numRecordsOut');
    code.targets(node.children, node.writes, { value: 'value', timestamp: 'timestamp' });
    // What the stage does next is its own again, should it fail.
    code.push(`${code.bind(this.#progress, 'progress')}.at = ${index};`);
    return this.#compile(`emit-${index}`, code, ['value', 'timestamp']) as Emit;
  }

  /** What a stage calls to emit on a side output; undefined if nobody reads it. */
  sideEmitter(index: number, tagId: string): Emit | undefined {
    const targets = this.#node(index).sideOutputs.get(tagId);
    if (targets === undefined) return undefined;
    const code = new FunctionCode(this.#nodes, this.#progress);
    code.targets(targets.children, targets.writes, { value: 'value', timestamp: 'timestamp' });
    return this.#compile(`emit-${index}-side`, code, ['value', 'timestamp']) as Emit;
  }

  #node(index: number): LoopNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`a chain has no open node ${index}`);
    return node;
  }

  #compile(name: string, code: FunctionCode, parameters: readonly string[]): unknown {
    const source = code.source(name.replaceAll(/[^a-zA-Z0-9]/g, '_'), parameters);
    this.#dump?.(name, source);
    return compile(name, code.constants(), source);
  }
}

/** How a frame's row `i` is read, as expressions. */
interface FrameExpressions {
  readonly read: string;
  readonly timestamp: string;
  readonly hash: string;
}

function literal(value: number): string {
  return value === Number.NEGATIVE_INFINITY ? '-Infinity' : String(value);
}

/** The code of one function: its constants, its counters, its lines. */
class FunctionCode {
  readonly #nodes: readonly (LoopNode | undefined)[];
  readonly #progress: LoopProgress;
  readonly #constants = new Map<unknown, string>();
  readonly #counters = new Map<string, string>();
  #lines: string[] = [];
  #nextName = 0;
  #isLoop = false;
  /** Set for what a source's reader calls: its records are counted per step. */
  headIsCounted = false;

  constructor(nodes: readonly (LoopNode | undefined)[], progress: LoopProgress) {
    this.#nodes = nodes;
    this.#progress = progress;
  }

  /** Closure constants by name. */
  constants(): Record<string, unknown> {
    return Object.fromEntries([...this.#constants].map(([value, name]) => [name, value]));
  }

  bind(value: unknown, hint: string): string {
    const known = this.#constants.get(value);
    if (known !== undefined) return known;
    const name = this.fresh(hint);
    this.#constants.set(value, name);
    return name;
  }

  fresh(hint: string): string {
    return `${hint.replaceAll(/[^a-zA-Z0-9_]/g, '')}$${this.#nextName++}`;
  }

  push(line: string): void {
    this.#lines.push(line);
  }

  /**
   * Wraps the body in the loop over [from, to); counters are kept in locals and written back at the
   * end, also of a failure.
   */
  loop(body: () => void): void {
    this.#isLoop = true;
    const before = this.#lines;
    this.#lines = [];
    body();
    const inside = this.#lines;
    this.#lines = before;
    const progress = this.bind(this.#progress, 'progress');
    const locals = [...this.#counters.values()].map((name) => `${name} = 0`);
    this.push(`let ${['i = from', ...locals].join(', ')};`);
    this.push('try {');
    this.push('for (; i < to; i++) {');
    this.#lines.push(...inside);
    this.push('}');
    this.push('} finally {');
    this.push(`${progress}.row = i;`);
    for (const [key, name] of this.#counters) this.push(`${this.#counterTarget(key)} += ${name};`);
    this.push('}');
  }

  /**
   * A whole frame for a head that takes batches: its rows stay encoded, the head reads what it
   * needs of them.
   */
  batch(input: number, { read, timestamp, hash }: FrameExpressions): void {
    const node = this.#nodes[0];
    const batch = this.bind(node?.batch, 'batch');
    this.push(`const timestamps = ${batch}.timestamps, hashes = ${batch}.hashes;`);
    this.push('for (let i = from; i < to; i++) {');
    this.push(`timestamps[i] = ${timestamp};`);
    this.push(`hashes[i] = ${hash};`);
    this.push('}');
    this.push(`${this.#counterTarget('0.numRecordsIn')} += to - from;`);
    this.push(`${batch}.count = to - from;`);
    this.push(`${batch}.read = ${read};`);
    this.push('try {');
    this.push(`${this.bind(node?.flushBatch, 'flush')}(${input});`);
    this.push('} finally {');
    this.push(`${batch}.read = undefined;`);
    this.push('}');
  }

  /** Adds one to a counter of a node. */
  count(index: number, field: 'numRecordsIn' | 'numRecordsOut'): void {
    if (!this.#mustCount(index, field)) return;
    const key = `${index}.${field}`;
    if (!this.#isLoop) {
      this.push(`${this.#counterTarget(key)}++;`);
      return;
    }
    let name = this.#counters.get(key);
    if (name === undefined) {
      name = this.fresh(field);
      this.#counters.set(key, name);
    }
    this.push(`${name}++;`);
  }

  /** Hot: what follows from another count is not counted per row; {@link Chain.counts} adds it. */
  #mustCount(index: number, field: 'numRecordsIn' | 'numRecordsOut'): boolean {
    const node = this.#nodes[index];
    if (field === 'numRecordsOut') return node?.stage.isOneToOne !== true;
    return index === 0 ? !this.headIsCounted : node?.isOnMainOutput !== true;
  }

  /** The code that a row of node `index` runs through; only the head may have a second input. */
  row(index: number, row: RowNames, input: number = 0): void {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`a chain has no open node ${index}`);
    this.count(index, 'numRecordsIn');
    if (node.stage.onRow === undefined) {
      this.#appendToBatch(node, row);
      return;
    }
    const value = this.fresh('value');
    const timestamp = this.fresh('timestamp');
    this.push(`const ${value} = ${row.value};`);
    this.push(`const ${timestamp} = ${row.timestamp};`);
    const builder = new NodeLoopBuilder(this, node, this.#progress);
    node.stage.onRow(builder, { value, timestamp }, input);
  }

  /** Hands a row to chained nodes and edges. */
  targets(children: readonly number[], writes: readonly Emit[], row: RowNames): void {
    for (const child of children) {
      this.push('{');
      this.row(child, row);
      this.push('}');
    }
    for (const write of writes) {
      this.push(`${this.bind(write, 'write')}(${row.value}, ${row.timestamp});`);
    }
  }

  source(name: string, parameters: readonly string[]): string {
    const body = indent(this.#lines).join('\n');
    return `return function ${name}(${parameters.join(', ')}) {\n${body}\n};`;
  }

  #counterTarget(key: string): string {
    const [index = '0', field = ''] = key.split('.');
    const counts = this.#nodes[Number(index)]?.counts;
    return `${this.bind(counts, `counts${index}`)}.${field}`;
  }

  #appendToBatch(node: LoopNode, row: RowNames): void {
    if (node.batch === undefined) {
      throw new RangeError(`stage ${node.stage.kind} has neither onRow nor a batch`);
    }
    const batch = this.bind(node.batch, 'batch');
    const flush = this.bind(node.flushBatch, 'flush');
    const at = this.fresh('at');
    this.push(`const ${at} = ${batch}.count;`);
    this.push(`${batch}.values[${at}] = ${row.value};`);
    this.push(`${batch}.timestamps[${at}] = ${row.timestamp};`);
    this.push(`${batch}.count = ${at} + 1;`);
    this.push(`if (${at} === ${BATCH_ROWS - 1}) ${flush}();`);
  }
}

/** The builder that a node's stage writes its row code with. */
class NodeLoopBuilder implements LoopBuilder {
  readonly #code: FunctionCode;
  readonly #node: LoopNode;
  readonly #progress: LoopProgress;

  constructor(code: FunctionCode, node: LoopNode, progress: LoopProgress) {
    this.#code = code;
    this.#node = node;
    this.#progress = progress;
  }

  constant(value: unknown, hint: string): string {
    return this.#code.bind(value, hint);
  }

  call(fn: unknown, ...args: readonly string[]): string {
    const progress = this.#code.bind(this.#progress, 'progress');
    this.#code.push(`${progress}.at = ${this.#node.index};`);
    return `${this.#code.bind(fn, 'user')}(${args.join(', ')})`;
  }

  local(expression: string, hint: string): string {
    const name = this.#code.fresh(hint);
    this.#code.push(`const ${name} = ${expression};`);
    return name;
  }

  line(statement: string): void {
    this.#code.push(statement);
  }

  when(condition: string, body: () => void): void {
    this.#code.push(`if (${condition}) {`);
    body();
    this.#code.push('}');
  }

  emit(row: RowNames): void {
    this.#code.count(this.#node.index, 'numRecordsOut');
    const targets = this.#node.children.length + this.#node.writes.length;
    const once =
      targets > 1 ? { value: this.local(row.value, 'out'), timestamp: row.timestamp } : row;
    if (targets === 0) this.#code.push(`${row.value};`);
    this.#code.targets(this.#node.children, this.#node.writes, once);
  }
}

function indent(lines: readonly string[]): string[] {
  let depth = 1;
  return lines.map((line) => {
    if (line.startsWith('}')) depth--;
    const indented = `${'  '.repeat(depth)}${line}`;
    if (line.endsWith('{')) depth++;
    return indented;
  });
}
