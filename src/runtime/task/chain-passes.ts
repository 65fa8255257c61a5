/**
 * How watermarks, timers and the end of input go through a chain's operators.
 *
 * Invariants:
 * 1. They pass the nodes, each a ChainStage, in index order, parents first; what a node emits
 *    meanwhile reaches its children before the same watermark does.
 * 2. A pass is resumable: `continuePass` does a bounded slice and says whether the pass is done. No
 *    rows enter during a pass.
 */
import type { LoopProgress } from './loop-compiler.ts';
import type { RunningNode } from './running-node.ts';

type Pass =
  | { readonly kind: 'end-input'; readonly input: number; cursor: number }
  | { readonly kind: 'watermark'; readonly watermark: number; cursor: number }
  | { readonly kind: 'timers'; readonly nowMs: number; cursor: number }
  | { readonly kind: 'end'; cursor: number };

/** See the file's head. */
export class ChainPasses {
  readonly #nodes: readonly (RunningNode | undefined)[];
  readonly #progress: LoopProgress;
  readonly #flushBatches: () => void;
  readonly #endedInputs = new Set<number>();
  #pass: Pass | undefined;

  constructor(
    nodes: readonly (RunningNode | undefined)[],
    progress: LoopProgress,
    flushBatches: () => void,
  ) {
    this.#nodes = nodes;
    this.#progress = progress;
    this.#flushBatches = flushBatches;
  }

  /** Whether a pass is unfinished. */
  get inPass(): boolean {
    return this.#pass !== undefined;
  }

  /** Starts the pass of an input watermark; true when it is done already. */
  beginWatermark(watermark: number): boolean {
    this.#pass = { kind: 'watermark', watermark, cursor: 0 };
    return this.continuePass();
  }

  /** Starts the pass of timers that are due; true when it is done already. */
  beginTimers(nowMs: number): boolean {
    this.#pass = { kind: 'timers', nowMs, cursor: 0 };
    return this.continuePass();
  }

  /**
   * Starts the pass of the end of one of the head's inputs while others go on; true when it is done
   * already.
   */
  beginEndOfInput(input: number): boolean {
    this.#pass = { kind: 'end-input', input, cursor: 0 };
    return this.continuePass();
  }

  /** Starts the pass of the end of all input; true when it is done already. */
  beginEnd(): boolean {
    this.#pass = { kind: 'end', cursor: 0 };
    return this.continuePass();
  }

  /** Does the next slice of the unfinished pass; true when it is done. */
  continuePass(): boolean {
    const pass = this.#pass;
    if (pass === undefined) return true;
    while (pass.cursor < this.#nodes.length) {
      if (!this.#passNode(pass, pass.cursor)) return false;
      pass.cursor++;
    }
    this.#pass = undefined;
    this.#flushBatches();
    return true;
  }

  /** The input's status has changed; it ends, with the watermarks, at a head that makes its own. */
  inputStatus(idle: boolean): void {
    if (this.running(0).stage.ownsWatermarks !== true) this.writeStatus(0, idle);
  }

  /** A source's reader has declared itself idle or active. */
  sourceStatus(idle: boolean): void {
    this.writeStatus(0, idle);
  }

  #passNode(pass: Pass, index: number): boolean {
    switch (pass.kind) {
      case 'watermark':
        return this.#passWatermark(
          index,
          index === 0 ? pass.watermark : this.#parentOf(index).passed,
        );
      case 'timers':
        return this.#passTimer(index, pass.nowMs);
      case 'end':
        return this.#passEnd(index);
      case 'end-input':
        return index > 0 || this.#passEndOfInput(this.running(0), pass.input);
      default:
        return pass satisfies never;
    }
  }

  #passWatermark(index: number, watermark: number): boolean {
    const node = this.running(index);
    if (!node.entered) {
      if (watermark <= node.watermark) return true;
      node.flushBatch?.();
      node.watermark = watermark;
      node.entered = true;
    }
    this.#progress.at = index;
    if (node.stage.onWatermark !== undefined && !node.stage.onWatermark(watermark)) return false;
    node.entered = false;
    if (node.stage.ownsWatermarks !== true || watermark === Number.POSITIVE_INFINITY) {
      this.#passOn(node, watermark);
    }
    return true;
  }

  #passOn(node: RunningNode, watermark: number): void {
    if (watermark <= node.passed) return;
    node.passed = watermark;
    for (const edge of node.edges) edge.writeWatermark(watermark);
  }

  #passTimer(index: number, nowMs: number): boolean {
    const node = this.running(index);
    if (!node.entered) {
      if (node.wakeAtMs > nowMs) return true;
      node.flushBatch?.();
      node.wakeAtMs = Number.POSITIVE_INFINITY;
      node.entered = true;
    }
    this.#progress.at = index;
    if (node.stage.onProcessingTime !== undefined && !node.stage.onProcessingTime(nowMs)) {
      return false;
    }
    node.entered = false;
    return true;
  }

  #passEnd(index: number): boolean {
    const node = this.running(index);
    if (!node.entered) {
      node.flushBatch?.();
      node.entered = true;
    }
    this.#progress.at = index;
    for (let input = 0; input < node.stage.inputCount; input++) {
      if (index > 0 || !this.#endedInputs.has(input)) {
        if (!this.#passEndOfInput(node, input)) return false;
      }
    }
    node.entered = false;
    return true;
  }

  #passEndOfInput(node: RunningNode, input: number): boolean {
    this.#progress.at = node.index;
    if (node.stage.endInput !== undefined && !node.stage.endInput(input)) return false;
    if (node.index === 0) this.#endedInputs.add(input);
    return true;
  }

  /** A stage has made a watermark: to its edges and through all that follows it, at once. */
  emitWatermark(index: number, watermark: number): void {
    const node = this.running(index);
    this.#passOn(node, watermark);
    for (let after = index + 1; after < this.#nodes.length; after++) {
      while (!this.#passWatermark(after, this.#parentOf(after).passed)) {
        // The stage does its next slice: a watermark made in the middle of a batch is handled in one go.
      }
    }
  }

  /** The status of what a stage makes has changed: to the edges of all that follow it. */
  writeStatus(index: number, idle: boolean): void {
    for (const node of this.all()) {
      if (this.#descendsFrom(node, index)) for (const edge of node.edges) edge.writeStatus(idle);
    }
  }

  /** Whether status changes of `ancestor` pass through to `node`'s outputs. */
  #descendsFrom(node: RunningNode, ancestor: number): boolean {
    let each = node;
    while (each.index !== ancestor) {
      if (each.stage.ownsWatermarks === true || each.index === 0) return false;
      each = this.#parentOf(each.index);
    }
    return true;
  }

  /** The node at `index`, which is open. */
  running(index: number): RunningNode {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`a chain has no open node ${index}`);
    return node;
  }

  /** The open nodes. */
  all(): RunningNode[] {
    return this.#nodes.filter((node) => node !== undefined);
  }

  #parentOf(index: number): RunningNode {
    return this.running(this.running(index).node.parent);
  }
}
