/** What a command line can ask for. */
import type { ExecutorName } from '../graph/configuration.ts';

/** `millrace run …` */
export interface RunRequest {
  readonly kind: 'run';
  /** As typed. */
  readonly job: string;
  readonly executor: ExecutorName | undefined;
  /** Options by key: those of `-D`, and of the named options, which win. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Whether the newest job of the checkpoint directory goes on. */
  readonly resume: boolean;
  readonly json: boolean;
  readonly args: readonly string[];
}

interface DoorRequest {
  /** Where else to look for running jobs. */
  readonly checkpointDirectory: string | undefined;
  readonly json: boolean;
}

/** `millrace list` */
export interface ListRequest extends DoorRequest {
  readonly kind: 'list';
}

/** `millrace cancel <job>` */
export interface CancelRequest extends DoorRequest {
  readonly kind: 'cancel';
  /** An id, the beginning of one, or a name. */
  readonly job: string;
}

/** `millrace savepoint <job> [dir]` */
export interface SavepointRequest extends DoorRequest {
  readonly kind: 'savepoint';
  readonly job: string;
  readonly directory: string | undefined;
  readonly format: SavepointFormat | undefined;
}

/** `millrace stop <job> [dir]` */
export interface StopRequest extends DoorRequest {
  readonly kind: 'stop';
  readonly job: string;
  readonly directory: string | undefined;
  readonly format: SavepointFormat | undefined;
  readonly drain: boolean;
}

/** How a savepoint is written. */
export type SavepointFormat = 'canonical' | 'native';

/** What is asked of running jobs. */
export type JobRequest = ListRequest | CancelRequest | SavepointRequest | StopRequest;

/** `millrace savepoint check <job> <savepoint>` */
export interface SavepointCheckRequest {
  readonly kind: 'savepoint-check';
  /** The job module, as typed. */
  readonly job: string;
  readonly savepoint: string;
  readonly configuration: Readonly<Record<string, string>>;
  readonly json: boolean;
  readonly args: readonly string[];
}

/** What is asked of checkpoints and savepoints. */
export type StateRequest = SavepointCheckRequest | StateListRequest | StateQueryRequest;

/** `millrace state list <savepoint>` */
export interface StateListRequest {
  readonly kind: 'state-list';
  readonly savepoint: string;
  readonly json: boolean;
}

/** `millrace state query <savepoint>` */
export interface StateQueryRequest {
  readonly kind: 'state-query';
  readonly savepoint: string;
  /** A uid, an operator's id, or its name. */
  readonly operator: string;
  readonly state: string;
  /** As typed. */
  readonly key: string | undefined;
  readonly format: StateFormat;
  readonly limit: number | undefined;
  readonly json: boolean;
}

/** How rows of state are written. */
export type StateFormat = 'table' | 'jsonl' | 'csv';

/** Nothing to run: help or version were shown, or the command line is wrong. */
export interface NothingToRun {
  readonly kind: 'nothing';
  /** What was wrong; undefined if help or version were asked for. */
  readonly problem: string | undefined;
  /** What to show. */
  readonly text: string;
}

/** What a command line asks for. */
export type Request = RunRequest | JobRequest | StateRequest | NothingToRun;
