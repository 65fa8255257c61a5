/**
 * The Environment: everything through which the engine touches the world — clock, random,
 * scheduling, disk, network.
 *
 * Invariants:
 * 1. No file but `real-environment.ts` calls `Date.now`, `performance.now`, `setTimeout`,
 *    `setImmediate`, `Math.random`, `node:fs`, `node:net` or their like. Connectors, too, come
 *    here.
 * 2. With the simulated environment and a seed, a job's every step is a function of the seed.
 * 3. File system calls are synchronous: a subtask's loop never awaits; async work has its own
 *    worker or source.
 */

import type { FaultPoint } from './fault-points.ts';

/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** Wall clock, monotonic clock and timers. */
export interface Clock {
  /** Wall-clock time in epoch milliseconds (whole). */
  now(): number;
  /** Monotonic time in milliseconds, with fractions; only differences mean anything. */
  monotonicMs(): number;
  /**
   * Calls `callback` once, `delayMs` or more from now. The timer keeps the process alive until
   * fired or canceled.
   */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** A source of random numbers; seeded in simulation. */
export interface Random {
  /** A whole number, uniform in [0, bound). `bound` is 1 to 2^32. */
  below(bound: number): number;
  /** A number, uniform in [0, 1). */
  nextDouble(): number;
}

/** Who runs next. */
export interface Scheduler {
  /** Lets the event loop (timers, sockets, promises) run once. */
  yield(): Promise<void>;
  /**
   * Picks which of `count` ready things goes first: 0 in production (round robin is the caller's),
   * seeded in simulation.
   */
  choose(count: number): number;
}

/** What {@link FileSystem.stat} tells. */
export interface FileStat {
  readonly kind: 'file' | 'directory';
  /** Bytes; 0 for a directory. */
  readonly size: number;
  /** Epoch milliseconds of the last change. */
  readonly modifiedMs: number;
}

/** An open file. Who opened it closes it; `[Symbol.dispose]` is `close`. */
export interface FileHandle extends Disposable {
  /**
   * Reads up to `length` bytes at `position` into `target` at `targetOffset`; returns how many (0
   * at the end).
   */
  read(target: Uint8Array, targetOffset: number, length: number, position: number): number;
  /** Appends all of `bytes` (or of its part) at the end. */
  append(bytes: Uint8Array): void;
  /** Makes everything written durable. */
  sync(): void;
  /** The current size in bytes. */
  size(): number;
  close(): void;
}

/**
 * How a file is opened: `read` must exist; `write` is created or truncated; `append` is created or
 * kept; `create-exclusive` must not exist.
 */
export type OpenMode = 'read' | 'write' | 'append' | 'create-exclusive';

/**
 * A file system with absolute or working-directory-relative paths, `/` between names.
 * Errors are {@link MillraceError}s: `FILE_NOT_FOUND` (missing), else `FILE_FAILED` with the
 * system's error as cause and its code (`EEXIST`, `ENOSPC`, …) in `details.system`.
 */
export interface FileSystem {
  open(path: string, mode: OpenMode): FileHandle;
  /** `undefined` if nothing is there. */
  stat(path: string): FileStat | undefined;
  /** Names in a directory, sorted. */
  list(path: string): readonly string[];
  /** Makes a directory and those above it; fine if it is there. */
  makeDirectory(path: string): void;
  /** Moves a file over `to`, atomically. */
  rename(from: string, to: string): void;
  /** A second name for the same file. */
  link(existing: string, path: string): void;
  /** Removes a file, or a directory with all below it; fine if it is not there. */
  remove(path: string): void;
  /** Makes names in a directory durable. */
  syncDirectory(path: string): void;
  /**
   * Makes all bytes of a file, or the names in a directory, durable, whoever wrote them, without
   * holding the calling thread.
   */
  syncFile(path: string): Promise<void>;
  /** A new empty directory for temporary files of this process. */
  makeTemporaryDirectory(prefix: string): string;
  /** The absolute form of a path. */
  resolve(path: string): string;
}

/** A two-way stream of bytes. */
export interface Connection {
  /** Chunks as they arrive; ends when the peer ends. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /**
   * Resolves when the bytes are handed to the system (or, when its buffer was full, have drained).
   */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A listening address; closed by its owner. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** An HTTP request between two processes of one machine. */
export interface HttpRequest {
  /** In upper case. */
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: it was longer than {@link HTTP_BODY_BYTES_MAX}. */
  readonly body: Uint8Array | undefined;
}

/** Its answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Answers requests; must not reject. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** A serving socket; closed by its owner, who then finds its file gone. */
export interface HttpServer {
  /** Lets running requests be answered, within a second. */
  close(): Promise<void>;
}

/** Longest body of a request. */
export const HTTP_BODY_BYTES_MAX = 1_048_576;

/** Byte streams between addresses. */
export interface Network {
  /**
   * A folder for sockets that this user alone can enter; made if it is not there.
   *
   * @throws FILE_FAILED if somebody else owns it
   */
  localSocketFolder(): string;
  /**
   * Serves HTTP on a Unix socket that only this user can open. A socket left by a dead process is
   * replaced.
   *
   * @throws NETWORK_FAILED (`EADDRINUSE`) if a living process has it
   */
  serveHttp(socketPath: string, handler: HttpHandler): Promise<HttpServer>;
  /** Asks there; NETWORK_FAILED if nobody answers in time. */
  requestHttp(socketPath: string, request: HttpRequest, timeoutMs: number): Promise<HttpResponse>;
  connect(host: string, port: number): Promise<Connection>;
  /** Port 0 picks a free one. */
  listen(
    host: string,
    port: number,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener>;
}

/** A process, told from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Of the boot and the process's start. */
  readonly startToken: string;
}

/** Who is running on this machine. */
export interface Processes {
  self(): ProcessIdentity;
  /**
   * Whether a process of this machine still runs; of other machines that cannot be told, and the
   * answer is yes.
   */
  isAlive(process: ProcessIdentity): boolean;
}

/** The one injected interface to the world; see the file's head. */
export interface Environment {
  /**
   * Called at named places of the protocols, by tests that make them fail there; see
   * `fault-points.ts`.
   */
  readonly faultPoint?: ((point: FaultPoint) => void) | undefined;
  readonly kind: 'real' | 'simulated';
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly fileSystem: FileSystem;
  readonly network: Network;
  /** Absent where there are no other processes: in simulation. */
  readonly processes?: Processes | undefined;
}
