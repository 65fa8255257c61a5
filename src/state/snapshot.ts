/**
 * What a snapshot of keyed state consists of, between the backends that make it and the checkpoints
 * that hold it.
 *
 * Invariants:
 * 1. Handles are plain data: they cross threads and are written into manifests.
 * 2. Rows carry their hash; a handle says which range of hashes it holds, so that state is moved
 *    between subtasks by range.
 * 3. A state's rows are those of the base, overlaid by the segments in order.
 */

/** A file of a checkpoint, as its manifest names it. */
export interface FileRef {
  /** Relative to the job's folder in the storage (checkpoints) or to the savepoint's own folder. */
  readonly path: string;
  readonly bytes: number;
  /** CRC-32 of all bytes, unsigned. */
  readonly checksum: number;
}

/**
 * What is known of one state's types: canonical type JSON by schema number; each encoded value
 * names its schema.
 */
export interface StateMeta {
  readonly name: string;
  readonly kind: 'value' | 'list' | 'map' | 'reducing' | 'aggregating' | 'window' | 'timers';
  readonly keySchemas: readonly unknown[];
  readonly namespaceSchemas: readonly unknown[];
  readonly valueSchemas: readonly unknown[];
  /** Of maps: of the keys of the map. */
  readonly mapKeySchemas?: readonly unknown[] | undefined;
  /** Whether each value (element, entry) begins with the time of its last update. */
  readonly hasTtl: boolean;
}

/** A set of files that holds all rows as of some moment. */
export type BaseHandle =
  | { readonly kind: 'segments'; readonly files: readonly FileRef[] }
  | {
      readonly kind: 'rocksdb';
      /** The database's files: the name within the database, and where it is kept. */
      readonly files: readonly { readonly name: string; readonly file: FileRef }[];
      readonly columnFamily: string;
      /** Which keys may be in it; undefined: ask for all. */
      readonly filter: FileRef | undefined;
    };

/** The keyed state of one operator's subtask. */
export interface KeyedStateHandle {
  /** Unsigned hashes, both included. */
  readonly hashFirst: number;
  readonly hashLast: number;
  readonly states: readonly StateMeta[];
  readonly base: BaseHandle | undefined;
  readonly segments: readonly FileRef[];
}

/** What kind of snapshot is asked for. */
export type SnapshotKind =
  /** May name files of earlier checkpoints. */
  | 'incremental'
  /** Names new files only (a no-claim restore's first checkpoint; a native savepoint). */
  | 'full'
  /** New files only, of segments only, in the order of hashes: readable by every backend. */
  | 'canonical';

/** Writes one file; whoever made it closes or aborts it. */
export interface SnapshotFileWriter {
  /** Takes the bytes; they may be reused afterwards. */
  write(bytes: Uint8Array): void;
  /** Ends the file. Its durability is the coordinator's duty. */
  close(): FileRef;
  /** Removes the file. */
  abort(): void;
}

/** Where the files of a subtask's snapshot go. */
export interface SnapshotOutput {
  /** A new file; `hint` is a part of its name, for people. */
  create(hint: string): SnapshotFileWriter;
  /**
   * Takes over a finished local file that will not change, by a hard link if it can; gives what
   * `create` would.
   */
  adopt(localPath: string, hint: string): Promise<FileRef>;
}

/** Reads the files of a checkpoint that is being restored. */
export interface SnapshotInput {
  /** All bytes, with length and checksum verified. */
  read(file: FileRef): Uint8Array;
  /** Makes the file appear under a local path, by a hard link if it can. */
  materialize(file: FileRef, localPath: string): void;
}

/** A request for a snapshot of a backend. */
export interface SnapshotRequest {
  readonly checkpointId: number;
  readonly kind: SnapshotKind;
  readonly output: SnapshotOutput;
  /**
   * Whether it is a savepoint: later checkpoints neither name its files nor leave anything out
   * because of it. A canonical one always is.
   */
  readonly isSavepoint?: boolean | undefined;
}

/**
 * The part of a snapshot that goes on while records do: the cut is made when it is handed out.
 * `step` is called between batches until it returns true, then `finish` once.
 */
export interface SnapshotWork<T> {
  /** Encodes and writes up to about `budgetMs` worth; true when nothing is left to step through. */
  step(budgetMs: number): boolean;
  /** What remains asynchronous (links, uploads); resolves to the handle. */
  finish(): Promise<T>;
  /** Gives up: what was changed since the last completed snapshot counts as changed again. */
  abort(): void;
}
