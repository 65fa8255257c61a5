/** The side outputs of one stage by tag, looked up once per tag. */
import type { OutputTag } from '../functions/output-tag.ts';
import type { Emit, StageContext } from './chain-stage.ts';

/** See the file's head. */
export class SideOutputs {
  readonly #context: StageContext;
  readonly #emits = new Map<string, Emit | undefined>();

  constructor(context: StageContext) {
    this.#context = context;
  }

  /** Sends a record to a side output, if anybody reads it. */
  emit(tag: OutputTag<never>, value: unknown, timestamp: number): void {
    const id = tag.id;
    let emit = this.#emits.get(id);
    if (emit === undefined && !this.#emits.has(id)) {
      emit = this.#context.sideOutput(id);
      this.#emits.set(id, emit);
    }
    emit?.(value, timestamp);
  }
}
