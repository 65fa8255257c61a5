/**
 * Collects the transformations of one program. The fluent API's streams are ids in here.
 *
 * Invariants:
 * 1. Transformations are frozen; a setting that changes later replaces the object under its id.
 * 2. Ids start at 1 and are given in the order of the calls, so two builds of one program give the
 *    same ids.
 * 3. `pending` are the operators that no execution has taken yet.
 */
import { assert } from '../base/assert.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typesEqual } from '../types/type-text.ts';
import type { AnyRecord, OperatorSpec } from './operator-spec.ts';
import {
  type OperatorSettings,
  type OperatorTransformation,
  type PhysicalTransformation,
  type PartitionTransformation,
  type SideOutputTransformation,
  type SourceTransformation,
  type Transformation,
  type UnionTransformation,
  inputsOf,
} from './transformation.ts';

/** A transformation that has no id yet. */
export type NewTransformation =
  | Omit<SourceTransformation, 'id'>
  | Omit<OperatorTransformation, 'id'>
  | Omit<PartitionTransformation, 'id'>
  | Omit<UnionTransformation, 'id'>
  | Omit<SideOutputTransformation, 'id'>;

/** See the head of the file. */
export class TransformationsBuilder {
  readonly #byId = new Map<number, Transformation>();
  readonly #pending = new Set<number>();
  #lastId = 0;

  /** Adds a transformation and returns its id. */
  add(transformation: NewTransformation): number {
    const id = ++this.#lastId;
    this.#byId.set(id, Object.freeze({ ...transformation, id }));
    if (transformation.kind === 'operator') this.#pending.add(id);
    return id;
  }

  /** The transformation of that id. */
  get(id: number): Transformation {
    const transformation = this.#byId.get(id);
    assert(transformation !== undefined, () => `there is no transformation ${id}`);
    return transformation;
  }

  /** The source or operator of that id. */
  physical(id: number): PhysicalTransformation {
    const transformation = this.get(id);
    const { kind } = transformation;
    assert(kind === 'source' || kind === 'operator', () => `transformation ${id} is a ${kind}`);
    return transformation as PhysicalTransformation;
  }

  /** Changes settings of a source or operator. */
  change(id: number, settings: Partial<OperatorSettings>): void {
    this.#byId.set(id, Object.freeze({ ...this.physical(id), ...settings }));
  }

  /** The type of what leaves a transformation, if it is declared or follows from its input. */
  typeOf(id: number): TypeInformation<AnyRecord> | undefined {
    const transformation = this.get(id);
    switch (transformation.kind) {
      case 'source':
        return transformation.declaredType ?? transformation.spec.source.producedType;
      case 'operator':
        return (
          transformation.declaredType ??
          (transformation.keepsType ? this.typeOf(firstInput(transformation)) : undefined)
        );
      case 'partition':
        return this.typeOf(transformation.input);
      case 'side-output':
        return transformation.tag.type ?? this.#lateDataType(transformation);
      case 'union':
        return commonType(transformation.inputs.map((input) => this.typeOf(input)));
      default:
        return transformation satisfies never;
    }
  }

  /** Late data are the records of an input. */
  #lateDataType({ input, tag }: SideOutputTransformation): TypeInformation<AnyRecord> | undefined {
    const from = this.get(input);
    const index = from.kind === 'operator' ? lateInput(from.spec, tag.id) : -1;
    const late = from.kind === 'operator' ? from.inputs[index] : undefined;
    return late === undefined ? undefined : this.typeOf(late);
  }

  /** The tag under which an operator's side output was read first. */
  sideOutput(input: number, tagId: string): OutputTag<AnyRecord> | undefined {
    for (const each of this.#byId.values()) {
      if (each.kind === 'side-output' && each.input === input && each.tag.id === tagId)
        return each.tag;
    }
    return undefined;
  }

  /** The name for messages: the operator's, or of what a virtual transformation comes from. */
  nameOf(id: number): string {
    const transformation = this.get(id);
    if (transformation.kind === 'source' || transformation.kind === 'operator')
      return transformation.name;
    return inputsOf(transformation)
      .map((input) => this.nameOf(input))
      .join(' + ');
  }

  /** The pending operators and all that feeds them, by id. */
  reachable(): readonly Transformation[] {
    const ids = new Set<number>();
    const open = [...this.#pending];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (ids.has(id)) continue;
      ids.add(id);
      open.push(...inputsOf(this.get(id)));
    }
    return [...ids].sort((a, b) => a - b).map((id) => this.get(id));
  }

  /** Takes an operator back that was added for an execution that could not start. */
  withdraw(id: number): void {
    this.#pending.delete(id);
  }

  /**
   * After an execution took the pending operators: streams stay usable as inputs of the next job.
   */
  clearPending(): void {
    this.#pending.clear();
  }
}

function firstInput({ name, inputs: [first] }: OperatorTransformation): number {
  assert(first !== undefined, () => `operator '${name}' has no input`);
  return first;
}

function commonType(
  all: readonly (TypeInformation<AnyRecord> | undefined)[],
): TypeInformation<AnyRecord> | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  return all.every((each) => each !== undefined && typesEqual(each, first)) ? first : undefined;
}

/** The input whose late records an operator sends to a tag; -1 if it sends none there. */
function lateInput(spec: OperatorSpec, tagId: string): number {
  switch (spec.kind) {
    case 'window':
    case 'generic-window':
      return spec.lateDataTag?.id === tagId ? 0 : -1;
    case 'interval-join':
      if (spec.leftLateDataTag?.id === tagId) return 0;
      return spec.rightLateDataTag?.id === tagId ? 1 : -1;
    default:
      return -1;
  }
}
