/**
 * A machine whose processes can die: each gets a world of its own (clock, scheduler, network), all
 * share the disk.
 *
 * Invariants:
 * 1. A dead process changes nothing any more: every operation of its disk throws {@link
 *    SimulatedCrash}, and who yields does not go on.
 * 2. Time goes on from process to process.
 * 3. What a process meets is a function of the machine's seed.
 */
import type { FileHandle, FileStat, OpenMode, Random, Scheduler } from './environment.ts';
import type { FaultPoint } from './fault-points.ts';
import { fileError } from './file-error.ts';
import type { FileFault, FileOperation, MemoryFileSystem } from './memory-file-system.ts';
import { memoryFileSystem } from './memory-file-system.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import { type SimulatedEnvironment, simulatedEnvironment } from './simulated-environment.ts';
import { type FaultRates, NO_FAULTS, SimulatedCrash, SimulatedFaults } from './simulated-faults.ts';

/** How a {@link SimulatedMachine} is set up. */
export interface SimulatedMachineOptions {
  readonly seed: number;
  /** Epoch ms; that of {@link simulatedEnvironment} if left out. */
  readonly startMs?: number | undefined;
  /** What goes wrong (nothing). */
  readonly faults?: FaultRates | undefined;
}

/** A process: its world, and whether it has died. */
export interface SimulatedProcess {
  readonly environment: SimulatedEnvironment;
  /** Where it died; undefined while it lives. */
  readonly crashedAt: string | undefined;
  /** Resolves when it has died. */
  readonly crashed: Promise<string>;
}

/** See the file's head. */
export class SimulatedMachine {
  readonly seed: number;
  readonly faults: SimulatedFaults;
  readonly #disk: MemoryFileSystem;
  readonly #random: SeededRandom;
  #nowMs: number;
  #current: Process | undefined;

  constructor(options: SimulatedMachineOptions) {
    const { seed, faults = NO_FAULTS } = options;
    this.seed = seed;
    this.#random = seededRandom(seed);
    this.faults = new SimulatedFaults(faults, this.#random.fork());
    this.#nowMs = options.startMs ?? simulatedEnvironment({ seed }).clock.now();
    this.#disk = memoryFileSystem({ now: () => this.nowMs });
  }

  /** The disk itself, without faults: for looking at what is there, and for damage. */
  get disk(): MemoryFileSystem {
    return this.#disk;
  }

  /** Whether the process that was started last has died. */
  get isDead(): boolean {
    return this.#current?.crashedAt !== undefined;
  }

  /** Epoch ms of the process that runs, or at which the last one died. */
  get nowMs(): number {
    return this.#current?.environment.clock.now() ?? this.#nowMs;
  }

  /** Starts a process; the one before must have died or ended. */
  boot(delayMs = 0): SimulatedProcess {
    const startMs = this.nowMs + delayMs;
    const process = new Process(this.#random.nextUint32(), startMs, this.#disk, this.faults);
    this.#nowMs = startMs;
    this.#current = process;
    return process;
  }

  /** The running process dies now, and what it has not synced is lost. */
  crash(where: string): void {
    this.#current?.die(where);
  }
}

class Process implements SimulatedProcess {
  readonly environment: SimulatedEnvironment;
  readonly crashed: Promise<string>;
  readonly #resolveCrashed: (where: string) => void;
  readonly #disk: MemoryFileSystem;
  readonly #faults: SimulatedFaults;
  crashedAt: string | undefined;

  constructor(seed: number, startMs: number, disk: MemoryFileSystem, faults: SimulatedFaults) {
    this.#disk = disk;
    this.#faults = faults;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.crashed = promise;
    this.#resolveCrashed = resolve;
    const world = simulatedEnvironment({ seed, startMs });
    const fileSystem = new ProcessFileSystem(disk, {
      before: (operation, path, isAsync) =>
        this.#beforeFileOperation(operation, path, world, isAsync),
      after: (where) => this.#after(where),
      delay: (ms) => new Promise((done) => void world.clock.setTimer(ms, done)),
    });
    this.environment = {
      ...world,
      fileSystem,
      scheduler: this.#mortal(world.scheduler),
      faultPoint: (point) => this.#faultPoint(point),
      hasCrashed: () => this.crashedAt !== undefined,
    };
  }

  die(where: string): void {
    if (this.crashedAt !== undefined) return;
    this.crashedAt = where;
    this.#disk.crash(this.#faults.tornCrash());
    this.#resolveCrashed(where);
  }

  #faultPoint(point: FaultPoint): void {
    this.#requireAlive();
    if (this.#faults.crashesAt(point)) this.#dieNow(`at ${point}`);
  }

  #beforeFileOperation(
    operation: FileOperation,
    path: string,
    { clock }: SimulatedEnvironment,
    isAsync: boolean,
  ): Pending {
    this.#requireAlive();
    const { crash, system, delayMs } = this.#faults.fileOperation(operation);
    if (crash === 'before') this.#dieNow(`before it could ${operation} ${path}`);
    if (system !== undefined) throw fileError({ operation, path, system });
    if (!isAsync) clock.stall(delayMs);
    return {
      dies: crash === 'after' ? `right after ${operation} ${path}` : undefined,
      delayMs: isAsync ? delayMs : 0,
    };
  }

  #after(where: string | undefined): void {
    if (where !== undefined) this.#dieNow(where);
  }

  #dieNow(where: string): never {
    this.die(where);
    throw new SimulatedCrash(where);
  }

  #requireAlive(): void {
    if (this.crashedAt !== undefined) throw new SimulatedCrash(this.crashedAt);
  }

  #mortal(scheduler: Scheduler): Scheduler {
    const never = new Promise<void>(() => undefined);
    return {
      yield: async () => {
        if (this.crashedAt === undefined) await scheduler.yield();
        if (this.crashedAt !== undefined) await never;
      },
      choose: (count) => {
        this.#requireAlive();
        return scheduler.choose(count);
      },
    };
  }
}

/** What an operation that may begin still owes. */
interface Pending {
  /** Where the process dies once the operation is done. */
  readonly dies: string | undefined;
  /** How long an asynchronous operation takes. */
  readonly delayMs: number;
}

interface ProcessHooks {
  before(operation: FileOperation, path: string, isAsync: boolean): Pending;
  after(where: string | undefined): void;
  delay(ms: number): Promise<void>;
}

/** The disk as one process sees it. */
class ProcessFileSystem implements MemoryFileSystem {
  readonly #disk: MemoryFileSystem;
  readonly #hooks: ProcessHooks;

  constructor(disk: MemoryFileSystem, hooks: ProcessHooks) {
    this.#disk = disk;
    this.#hooks = hooks;
  }

  get fault(): FileFault | undefined {
    return this.#disk.fault;
  }

  set fault(fault: FileFault | undefined) {
    this.#disk.fault = fault;
  }

  get capacityBytes(): number {
    return this.#disk.capacityBytes;
  }

  set capacityBytes(bytes: number) {
    this.#disk.capacityBytes = bytes;
  }

  open(path: string, mode: OpenMode): FileHandle {
    const handle = this.#act('open', path, () => this.#disk.open(path, mode));
    const act = <T>(operation: FileOperation, run: () => T): T => this.#act(operation, path, run);
    return {
      read: (target, offset, length, position) =>
        act('read', () => handle.read(target, offset, length, position)),
      append: (bytes) => act('append to', () => handle.append(bytes)),
      sync: () => act('sync', () => handle.sync()),
      size: () => act('stat', () => handle.size()),
      close: () => handle.close(),
      [Symbol.dispose]: () => handle.close(),
    };
  }

  stat(path: string): FileStat | undefined {
    return this.#act('stat', path, () => this.#disk.stat(path));
  }

  list(path: string): readonly string[] {
    return this.#act('list', path, () => this.#disk.list(path));
  }

  makeDirectory(path: string): void {
    this.#act('make folder', path, () => this.#disk.makeDirectory(path));
  }

  rename(from: string, to: string): void {
    this.#act('rename', from, () => this.#disk.rename(from, to));
  }

  link(existing: string, path: string): void {
    this.#act('link', existing, () => this.#disk.link(existing, path));
  }

  remove(path: string): void {
    this.#act('remove', path, () => this.#disk.remove(path));
  }

  syncDirectory(path: string): void {
    this.#act('sync folder', path, () => this.#disk.syncDirectory(path));
  }

  async syncFile(path: string): Promise<void> {
    const { dies, delayMs } = this.#hooks.before('sync', path, true);
    if (delayMs > 0) await this.#hooks.delay(delayMs);
    await this.#disk.syncFile(path);
    this.#hooks.after(dies);
  }

  makeTemporaryDirectory(prefix: string): string {
    return this.#act('make folder', prefix, () => this.#disk.makeTemporaryDirectory(prefix));
  }

  resolve(path: string): string {
    return this.#disk.resolve(path);
  }

  usedBytes(): number {
    return this.#disk.usedBytes();
  }

  crash(random?: Random): void {
    this.#disk.crash(random);
  }

  damage(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    this.#disk.damage(path, change);
  }

  #act<T>(operation: FileOperation, path: string, act: () => T): T {
    const { dies } = this.#hooks.before(operation, path, false);
    const result = act();
    this.#hooks.after(dies);
    return result;
  }
}
