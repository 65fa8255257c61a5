/**
 * Transformations: what a program asked for, one frozen object per call of the fluent API.
 *
 * Invariants:
 * 1. A transformation's inputs were made before it, so ids are a topological order.
 * 2. Partitions, unions and side outputs are virtual: they run nothing and become properties of
 *    edges.
 */
import type { OutputTag } from '../functions/output-tag.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { PartitionerSpec } from './job-graph.ts';
import type { AnyKeySelector, AnyRecord, OperatorSpec, SourceSpec } from './operator-spec.ts';

/** Whether an operator may run in the chain of its input: always, only as a head, or alone. */
export type ChainingStrategy = 'always' | 'head' | 'never';

/** What a user can set on sources and operators. */
export interface OperatorSettings {
  readonly name: string;
  readonly uid: string | undefined;
  /** Undefined: the environment's. */
  readonly parallelism: number | undefined;
  /** Undefined: the environment's, else derived from the parallelism. */
  readonly maxParallelism: number | undefined;
  /** The parallelism is 1 and stays so. */
  readonly nonParallel: boolean;
  /** Undefined: that of the inputs if they agree, else `default`. */
  readonly slotSharingGroup: string | undefined;
  readonly chaining: ChainingStrategy;
  /** Undefined: the environment's. */
  readonly bufferTimeoutMs: number | undefined;
  /** The output's type if the user or the source declared it. */
  readonly declaredType: TypeInformation<AnyRecord> | undefined;
}

/** Reads from outside. */
export interface SourceTransformation extends OperatorSettings {
  readonly kind: 'source';
  readonly id: number;
  readonly spec: SourceSpec;
}

/** Runs an operator. */
export interface OperatorTransformation extends OperatorSettings {
  readonly kind: 'operator';
  readonly id: number;
  /** One, or two for connected streams. */
  readonly inputs: readonly number[];
  readonly spec: Exclude<OperatorSpec, SourceSpec>;
  /** By input: on keyed operators what gives the key of a record. */
  readonly keySelectors: readonly (AnyKeySelector | undefined)[];
  /** Whether records leave with the type they came with. */
  readonly keepsType: boolean;
}

/** Virtual: how records choose a channel from here on. */
export interface PartitionTransformation {
  readonly kind: 'partition';
  readonly id: number;
  readonly input: number;
  readonly partitioner: PartitionerSpec;
  /** With `hash`: the key. */
  readonly keySelector: AnyKeySelector | undefined;
}

/** Virtual: several streams of one type as one, in no particular order. */
export interface UnionTransformation {
  readonly kind: 'union';
  readonly id: number;
  readonly inputs: readonly number[];
}

/** Virtual: what an operator sent to a tag. */
export interface SideOutputTransformation {
  readonly kind: 'side-output';
  readonly id: number;
  readonly input: number;
  readonly tag: OutputTag<AnyRecord>;
}

/** A transformation that runs something. */
export type PhysicalTransformation = SourceTransformation | OperatorTransformation;

/** Every transformation. */
export type Transformation =
  | PhysicalTransformation
  | PartitionTransformation
  | UnionTransformation
  | SideOutputTransformation;

/** The ids of what feeds a transformation. */
export function inputsOf(transformation: Transformation): readonly number[] {
  switch (transformation.kind) {
    case 'source':
      return [];
    case 'union':
    case 'operator':
      return transformation.inputs;
    case 'partition':
    case 'side-output':
      return [transformation.input];
    default:
      return transformation satisfies never;
  }
}

/** Settings as they are before the user sets any. */
export function defaultSettings(name: string): OperatorSettings {
  return {
    name,
    uid: undefined,
    parallelism: undefined,
    maxParallelism: undefined,
    nonParallel: false,
    slotSharingGroup: undefined,
    chaining: 'always',
    bufferTimeoutMs: undefined,
    declaredType: undefined,
  };
}
