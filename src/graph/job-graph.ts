/**
 * The JobGraph: what the runtime runs, as frozen data. Vertices are chains of operators; edges are
 * exchanges between them.
 *
 * Invariants:
 * 1. Vertices are in topological order; `edges[i].index === i`, `vertices[i].index === i`,
 *    `nodes[i].index === i`.
 * 2. A chain is a tree: node 0 is its head, every other node has one parent before it.
 * 3. Built twice from the same program the graph is the same, and so is its hash.
 */
import type { Partitioner } from '../functions/functions.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { PipelineConfiguration } from './configuration.ts';
import type { AnyKeySelector, AnyRecord, OperatorSpec } from './operator-spec.ts';

/** How records choose the channel of an edge. */
export type PartitionerSpec =
  | {
      readonly kind:
        | 'forward'
        | 'hash'
        | 'rebalance'
        | 'rescale'
        | 'shuffle'
        | 'broadcast'
        | 'global';
    }
  | {
      readonly kind: 'custom';
      readonly partitioner: Partitioner<AnyRecord>;
      readonly keySelector: AnyKeySelector;
    };

/** An operator inside a chain. */
export interface ChainNode {
  readonly index: number;
  /** From the uid, or from the structure: stable across runs. */
  readonly operatorId: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly spec: OperatorSpec;
  /** The node that feeds this one, -1 for the head; `tag` if through a side output. */
  readonly parent: number;
  readonly parentTag: string | undefined;
  /**
   * By input (one, or two for connected streams): on keyed operators what gives the key of a
   * record.
   */
  readonly keySelectors: readonly (AnyKeySelector | undefined)[];
  /** By input. Types where they are declared or derived; undefined: captured at run time. */
  readonly inputTypes: readonly (TypeInformation<AnyRecord> | undefined)[];
  readonly outputType: TypeInformation<AnyRecord> | undefined;
}

/** A chain of operators that runs as one task per subtask. */
export interface JobVertex {
  readonly index: number;
  readonly id: string;
  /** The names of the chain's operators, `Source: flights -> Map -> Filter`. */
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
  readonly nodes: readonly ChainNode[];
  /** Indices of edges into node 0, and out of any node. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** An exchange between two chains. */
export interface JobEdge {
  readonly index: number;
  readonly source: { readonly vertex: number; readonly node: number };
  /** The side output that feeds it, or undefined for the main output. */
  readonly tag: string | undefined;
  /** The logical input of the target's head: every edge of a union is input 0. */
  readonly target: { readonly vertex: number; readonly input: number };
  readonly partitioner: PartitionerSpec;
  /** With `hash`: the key by which the target is partitioned. */
  readonly keySelector: AnyKeySelector | undefined;
  readonly type: TypeInformation<AnyRecord> | undefined;
  readonly exchange: 'pipelined' | 'blocking';
  /** Flush after this many ms at the latest; 0: after every record; -1: only when full. */
  readonly bufferTimeoutMs: number;
}

/** The graph of one job. */
export interface JobGraph {
  readonly jobName: string;
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
  readonly configuration: PipelineConfiguration;
  /** Of structure, names, types and parameters; equal in host and workers. */
  readonly hash: string;
}
