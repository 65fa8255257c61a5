/**
 * What goes wrong in a simulated world, and how often: crashes of the process, errors and delays of
 * the disk.
 *
 * Invariants:
 * 1. Whether a thing goes wrong is a function of the seed and of the order of what is asked.
 * 2. Faults stop at {@link FaultRates.faultsMax}, so that a run comes to its end.
 */
import type { Random } from './environment.ts';
import type { FaultPoint } from './fault-points.ts';
import type { FileOperation } from './memory-file-system.ts';

/** How often things go wrong: probabilities from 0 to 1 unless said otherwise. */
export interface FaultRates {
  /** The process dies, at a named step of a protocol. */
  readonly crashAtFaultPoint: number;
  /** The process dies before or after an operation of the disk. */
  readonly crashAtFileOperation: number;
  /** Crashes per second of virtual time, at any moment. */
  readonly crashesPerSecond: number;
  /**
   * Failures of a job's attempt per second of virtual time: the process lives on and starts another
   * one.
   */
  readonly failuresPerSecond: number;
  /** A crash keeps a random part of what was not synced; else nothing of it. */
  readonly tornCrash: number;
  /** A read fails with EIO. */
  readonly readError: number;
  /** An append fails with EIO. */
  readonly writeError: number;
  /** An append fails with ENOSPC. */
  readonly noSpace: number;
  /** Making a file or folder durable fails with EIO. */
  readonly syncError: number;
  /** A change of names (rename, link, remove, new folder, new file) fails with EIO. */
  readonly nameError: number;
  /** An operation of the disk takes up to {@link FaultRates.slowMsMax}. */
  readonly slow: number;
  readonly slowMsMax: number;
  /** Crashes and errors at most; delays do not count. */
  readonly faultsMax: number;
}

/** Nothing goes wrong. */
export const NO_FAULTS: FaultRates = Object.freeze({
  crashAtFaultPoint: 0,
  crashAtFileOperation: 0,
  crashesPerSecond: 0,
  failuresPerSecond: 0,
  tornCrash: 0,
  readError: 0,
  writeError: 0,
  noSpace: 0,
  syncError: 0,
  nameError: 0,
  slow: 0,
  slowMsMax: 0,
  faultsMax: 0,
});

const CRASH_AT_FAULT_POINT_MAX = 0.05;
const CRASH_AT_FILE_OPERATION_MAX = 0.01;
const CRASHES_PER_SECOND_MAX = 0.3;
const ERROR_MAX = 0.02;
const SLOW_MAX = 0.2;
const SLOW_MS_MAX = 200;
const FAULTS_MAX = 12;

/**
 * Rates drawn at random, each of them left at zero in half of the draws: what goes wrong alone
 * finds other bugs than what goes wrong together.
 */
export function swarmFaultRates(random: Random): FaultRates {
  const draw = (max: number): number => (random.below(2) === 0 ? 0 : random.nextDouble() * max);
  return Object.freeze({
    crashAtFaultPoint: draw(CRASH_AT_FAULT_POINT_MAX),
    crashAtFileOperation: draw(CRASH_AT_FILE_OPERATION_MAX),
    crashesPerSecond: draw(CRASHES_PER_SECOND_MAX),
    failuresPerSecond: draw(CRASHES_PER_SECOND_MAX),
    tornCrash: random.nextDouble(),
    readError: draw(ERROR_MAX),
    writeError: draw(ERROR_MAX),
    noSpace: draw(ERROR_MAX),
    syncError: draw(ERROR_MAX),
    nameError: draw(ERROR_MAX),
    slow: draw(SLOW_MAX),
    slowMsMax: 1 + random.below(SLOW_MS_MAX),
    faultsMax: 1 + random.below(FAULTS_MAX),
  });
}

/** The process is gone: nothing of it may act any more. Never caught by the engine to go on. */
export class SimulatedCrash extends Error {
  /** Where it died, for reports. */
  readonly where: string;

  constructor(where: string) {
    super(`the simulated process has died: ${where}`);
    this.name = 'SimulatedCrash';
    this.where = where;
  }
}

/** A kind of thing that went wrong, as reports count it. */
export type FaultKind = 'crash' | 'failure' | 'EIO' | 'ENOSPC' | 'slow';

/** What an operation of the disk meets. */
export interface FileFaultChoice {
  readonly crash: 'before' | 'after' | undefined;
  /** The system's code to fail with. */
  readonly system: 'EIO' | 'ENOSPC' | undefined;
  readonly delayMs: number;
}

const NOTHING_WRONG: FileFaultChoice = Object.freeze({
  crash: undefined,
  system: undefined,
  delayMs: 0,
});

/** Decides what goes wrong, and counts it. */
export class SimulatedFaults {
  readonly rates: FaultRates;
  readonly #random: Random;
  readonly #counts = new Map<FaultKind, number>();
  readonly #hits = new Map<FaultPoint, number>();
  #faults = 0;
  /** While false nothing goes wrong. */
  isActive = true;

  constructor(rates: FaultRates, random: Random) {
    this.rates = rates;
    this.#random = random;
  }

  /** How often each kind of fault has happened. */
  counts(): Readonly<Partial<Record<FaultKind, number>>> {
    return Object.fromEntries(this.#counts);
  }

  /** Crashes and errors so far. */
  get total(): number {
    return this.#faults;
  }

  /** How often each fault point was passed. */
  hits(): ReadonlyMap<FaultPoint, number> {
    return this.#hits;
  }

  /** A fault point is reached: whether the process dies there. */
  crashesAt(point: FaultPoint): boolean {
    this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1);
    return this.#happens(this.rates.crashAtFaultPoint) && this.#count('crash');
  }

  /** So much virtual time has passed: whether the process died in it. */
  crashesWithin(durationMs: number): boolean {
    return this.#happensWithin(durationMs, this.rates.crashesPerSecond) && this.#count('crash');
  }

  /** So much virtual time has passed: whether the attempt failed in it. */
  failsWithin(durationMs: number): boolean {
    return this.#happensWithin(durationMs, this.rates.failuresPerSecond) && this.#count('failure');
  }

  /** What a crash leaves of the unsynced: a random part, or nothing. */
  tornCrash(): Random | undefined {
    return this.#random.nextDouble() < this.rates.tornCrash ? this.#random : undefined;
  }

  /** What an operation of the disk meets. */
  fileOperation(operation: FileOperation): FileFaultChoice {
    if (!this.isActive) return NOTHING_WRONG;
    const { rates } = this;
    if (this.#happens(rates.crashAtFileOperation)) {
      this.#count('crash');
      const crash = this.#random.below(2) === 0 ? 'before' : 'after';
      return { ...NOTHING_WRONG, crash };
    }
    if (this.#happens(this.#errorRate(operation))) return this.#error('EIO');
    if (operation === 'append to' && this.#happens(rates.noSpace)) return this.#error('ENOSPC');
    if (rates.slow > 0 && this.#random.nextDouble() < rates.slow) {
      this.#counts.set('slow', (this.#counts.get('slow') ?? 0) + 1);
      return { ...NOTHING_WRONG, delayMs: 1 + this.#random.below(rates.slowMsMax) };
    }
    return NOTHING_WRONG;
  }

  #errorRate(operation: FileOperation): number {
    switch (operation) {
      case 'read':
        return this.rates.readError;
      case 'append to':
        return this.rates.writeError;
      case 'sync':
      case 'sync folder':
        return this.rates.syncError;
      case 'open':
      case 'make folder':
      case 'rename':
      case 'link':
      case 'remove':
        return this.rates.nameError;
      case 'stat':
      case 'list':
        return 0;
      default:
        return operation satisfies never;
    }
  }

  #error(system: 'EIO' | 'ENOSPC'): FileFaultChoice {
    this.#count(system);
    return { ...NOTHING_WRONG, system };
  }

  #happensWithin(durationMs: number, perSecond: number): boolean {
    return this.#happens(-Math.expm1((-perSecond * durationMs) / 1000));
  }

  #happens(chance: number): boolean {
    if (!this.isActive || chance <= 0 || this.#faults >= this.rates.faultsMax) return false;
    return this.#random.nextDouble() < chance;
  }

  #count(kind: FaultKind): true {
    this.#faults++;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    return true;
  }
}
