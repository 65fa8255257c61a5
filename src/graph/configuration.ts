/** A job's configuration: Flink's keys where Flink has them, parsed and checked once. */
import { MillraceError } from '../base/errors.ts';
import { parseMemorySize } from '../base/memory-size.ts';
import { parseDuration } from '../base/time.ts';

/** Which executor runs a job. */
export type ExecutorName = 'inline' | 'workers' | 'simulated';

/** The options of a job; all have defaults ({@link defaultConfiguration}). */
export interface PipelineConfiguration {
  /** `parallelism.default` */
  readonly parallelism: number;
  /** `pipeline.max-parallelism`; undefined: from the parallelism, as Flink derives it. */
  readonly maxParallelism: number | undefined;
  /** `pipeline.auto-watermark-interval` in ms (200). */
  readonly autoWatermarkIntervalMs: number;
  /**
   * `execution.buffer-timeout.interval` in ms; 0: every record is flushed; -1: only full buffers.
   */
  readonly bufferTimeoutMs: number;
  /** `pipeline.operator-chaining.enabled` */
  readonly operatorChaining: boolean;
  /**
   * `taskmanager.memory.ring-size`: bytes of each ring, a power of two; undefined: by parallelism.
   */
  readonly ringBytes: number | undefined;
  /**
   * `taskmanager.memory.overflow-size`: bytes of emitted records kept in memory per channel before
   * they go to disk.
   */
  readonly overflowBytesMax: number;
  /** `execution.executor` */
  readonly executor: ExecutorName;
  /** `execution.dump-chains`: a folder for the generated loops' sources. */
  readonly dumpChains: string | undefined;
  readonly state: StateConfiguration;
  readonly checkpointing: CheckpointingConfiguration;
  readonly restart: RestartConfiguration;
  /** `task.watchdog.timeout` in ms (60 s): a task that holds its worker for longer is named. */
  readonly watchdogTimeoutMs: number;
}

/** Where keyed state lies. */
export interface StateConfiguration {
  /** `state.backend.type`: `heap` (also `hashmap`, Flink's word), or `rocksdb`. */
  readonly backend: 'heap' | 'rocksdb';
  /**
   * `taskmanager.memory.managed.size`: bytes for state of all workers together (4 GiB if left out).
   */
  readonly memoryBytes: number | undefined;
  /** `state.backend.rocksdb.localdir`: a folder for the databases; a temporary one if left out. */
  readonly localDirectory: string | undefined;
}

/** When and how checkpoints are taken; Flink's keys below `execution.checkpointing`. */
export interface CheckpointingConfiguration {
  /**
   * `execution.checkpointing.dir`: a path or `file://` URL; undefined: in memory, which outlives no
   * process.
   */
  readonly directory: string | undefined;
  /** `execution.checkpointing.savepoint-dir` */
  readonly savepointDirectory: string | undefined;
  /** `execution.checkpointing.interval` in ms; undefined: no checkpoints. */
  readonly intervalMs: number | undefined;
  /** `execution.checkpointing.mode` */
  readonly mode: 'exactly-once' | 'at-least-once';
  /** `execution.checkpointing.timeout` in ms (10 min). */
  readonly timeoutMs: number;
  /**
   * `execution.checkpointing.min-pause` in ms (0): between the end of one and the start of the
   * next.
   */
  readonly minPauseMs: number;
  /**
   * `execution.checkpointing.tolerable-failed-checkpoints` (0): consecutive ones; one more fails
   * the job.
   */
  readonly tolerableFailures: number;
  /** `execution.checkpointing.num-retained` (2) */
  readonly retained: number;
  /**
   * `execution.checkpointing.externalized-checkpoint-retention`: whether they stay when the job is
   * canceled.
   */
  readonly retention: 'delete-on-cancellation' | 'retain-on-cancellation';
  /** `execution.checkpointing.unaligned.enabled` (false) */
  readonly unaligned: boolean;
  /**
   * `execution.checkpointing.aligned-checkpoint-timeout` in ms (0): with unaligned checkpoints on,
   * how long barriers may take to align before the checkpoint overtakes what is in the channels; 0:
   * at once.
   */
  readonly alignedTimeoutMs: number;
  /** `execution.checkpointing.incremental` (true) */
  readonly incremental: boolean;
  /** `execution.state-recovery.path`: a checkpoint's or savepoint's folder to start from. */
  readonly restorePath: string | undefined;
  /**
   * `execution.state-recovery.ignore-unclaimed-state`: whether state without an operator is left
   * behind.
   */
  readonly allowNonRestoredState: boolean;
  /** `execution.state-recovery.claim-mode`: whether the job owns what it starts from. */
  readonly claimMode: 'no-claim' | 'claim';
}

/** `restart-strategy.*` */
export type RestartConfiguration =
  /** Exponential delay if there are checkpoints, else none. */
  | { readonly kind: 'default' }
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed-delay'; readonly attempts: number; readonly delayMs: number }
  | {
      readonly kind: 'failure-rate';
      readonly failuresPerIntervalMax: number;
      readonly intervalMs: number;
      readonly delayMs: number;
    }
  | {
      readonly kind: 'exponential-delay';
      readonly initialBackoffMs: number;
      readonly maxBackoffMs: number;
      readonly backoffMultiplier: number;
      readonly resetBackoffThresholdMs: number;
      readonly jitterFactor: number;
      /** Infinity: for ever. */
      readonly attemptsBeforeResetMax: number;
    };

/** The defaults. */
export const defaultConfiguration: PipelineConfiguration = Object.freeze({
  parallelism: 1,
  maxParallelism: undefined,
  autoWatermarkIntervalMs: 200,
  bufferTimeoutMs: 1,
  operatorChaining: true,
  ringBytes: undefined,
  overflowBytesMax: 16 * 1024 * 1024,
  executor: 'inline',
  dumpChains: undefined,
  state: Object.freeze({ backend: 'heap', memoryBytes: undefined, localDirectory: undefined }),
  checkpointing: Object.freeze({
    directory: undefined,
    savepointDirectory: undefined,
    intervalMs: undefined,
    mode: 'exactly-once',
    timeoutMs: 600_000,
    minPauseMs: 0,
    tolerableFailures: 0,
    retained: 2,
    retention: 'retain-on-cancellation',
    unaligned: false,
    alignedTimeoutMs: 0,
    incremental: true,
    restorePath: undefined,
    allowNonRestoredState: false,
    claimMode: 'no-claim',
  }),
  restart: Object.freeze({ kind: 'default' }),
  watchdogTimeoutMs: 60_000,
});

type Change = Partial<PipelineConfiguration>;
type ReadOption = (text: string, key: string, base: PipelineConfiguration) => Change;

function state(read: (text: string, key: string) => Partial<StateConfiguration>): ReadOption {
  return (text, key, base) => ({ state: Object.freeze({ ...base.state, ...read(text, key) }) });
}

function checkpointing(
  read: (text: string, key: string) => Partial<CheckpointingConfiguration>,
): ReadOption {
  return (text, key, base) => ({
    checkpointing: Object.freeze({ ...base.checkpointing, ...read(text, key) }),
  });
}

/** Flink's defaults (restart_strategy_configuration). */
export const RESTART_DEFAULTS: {
  readonly [Kind in Exclude<RestartConfiguration['kind'], 'default'>]: Extract<
    RestartConfiguration,
    { readonly kind: Kind }
  >;
} = {
  none: { kind: 'none' },
  'fixed-delay': { kind: 'fixed-delay', attempts: 1, delayMs: 1000 },
  'failure-rate': {
    kind: 'failure-rate',
    failuresPerIntervalMax: 1,
    intervalMs: 60_000,
    delayMs: 1000,
  },
  'exponential-delay': {
    kind: 'exponential-delay',
    initialBackoffMs: 1000,
    maxBackoffMs: 60_000,
    backoffMultiplier: 1.5,
    resetBackoffThresholdMs: 3_600_000,
    jitterFactor: 0.1,
    attemptsBeforeResetMax: Number.POSITIVE_INFINITY,
  },
};

function restartKind(text: string, key: string): keyof typeof RESTART_DEFAULTS {
  const kinds = Object.keys(RESTART_DEFAULTS) as (keyof typeof RESTART_DEFAULTS)[];
  return oneOf(text, key, kinds);
}

/** Options of a strategy that is not chosen are refused: they would do nothing. */
function restart<Kind extends keyof typeof RESTART_DEFAULTS>(
  kind: Kind,
  read: (text: string, key: string) => Partial<Extract<RestartConfiguration, { kind: Kind }>>,
): ReadOption {
  return (text, key, base) => {
    if (base.restart.kind !== kind) {
      throw new MillraceError(
        'CONFIG_INVALID',
        `option ${key} needs restart-strategy.type ${kind} before it, which is '${base.restart.kind}'`,
      );
    }
    return { restart: Object.freeze({ ...base.restart, ...read(text, key) }) };
  };
}

/** Every key, with how its text becomes an option. */
const KEYS: Readonly<
  Record<string, (text: string, key: string, base: PipelineConfiguration) => Change>
> = {
  'parallelism.default': (text, key) => ({ parallelism: wholeNumber(text, key, 1, 32_768) }),
  'pipeline.max-parallelism': (text, key) => ({
    maxParallelism: wholeNumber(text, key, 1, 32_768),
  }),
  'pipeline.auto-watermark-interval': (text) => ({ autoWatermarkIntervalMs: parseDuration(text) }),
  'execution.buffer-timeout.interval': (text) => ({
    bufferTimeoutMs: text === '-1' ? -1 : parseDuration(text),
  }),
  'pipeline.operator-chaining.enabled': (text, key) => ({ operatorChaining: truth(text, key) }),
  'taskmanager.memory.ring-size': (text, key) => ({ ringBytes: powerOfTwo(text, key) }),
  'taskmanager.memory.overflow-size': (text, key) => ({
    overflowBytesMax: wholeNumber(text, key, 65_536, 2 ** 40),
  }),
  'execution.executor': (text, key) => ({
    executor: oneOf(text, key, ['inline', 'workers', 'simulated'] as const),
  }),
  'execution.dump-chains': (text) => ({ dumpChains: text }),
  'task.watchdog.timeout': (text) => ({ watchdogTimeoutMs: parseDuration(text) }),
  'state.backend.type': state((text, key) => {
    const type = oneOf(text, key, ['heap', 'hashmap', 'rocksdb'] as const);
    return { backend: type === 'hashmap' ? 'heap' : type };
  }),
  'taskmanager.memory.managed.size': state((text) => ({ memoryBytes: parseMemorySize(text) })),
  'state.backend.rocksdb.localdir': state((text) => ({ localDirectory: text })),
  'execution.checkpointing.dir': checkpointing((text) => ({ directory: text })),
  'execution.checkpointing.savepoint-dir': checkpointing((text) => ({ savepointDirectory: text })),
  'execution.checkpointing.interval': checkpointing((text, key) => ({
    intervalMs: positiveDuration(text, key),
  })),
  'execution.checkpointing.mode': checkpointing((text, key) => ({
    mode: oneOf(text.toLowerCase().replaceAll('_', '-'), key, [
      'exactly-once',
      'at-least-once',
    ] as const),
  })),
  'execution.checkpointing.timeout': checkpointing((text, key) => ({
    timeoutMs: positiveDuration(text, key),
  })),
  'execution.checkpointing.min-pause': checkpointing((text) => ({
    minPauseMs: parseDuration(text),
  })),
  'execution.checkpointing.max-concurrent-checkpoints': (text, key) => {
    wholeNumber(text, key, 1, 1);
    return {};
  },
  'execution.checkpointing.tolerable-failed-checkpoints': checkpointing((text, key) => ({
    tolerableFailures: wholeNumber(text, key, 0, 2 ** 31),
  })),
  'execution.checkpointing.num-retained': checkpointing((text, key) => ({
    retained: wholeNumber(text, key, 1, 1000),
  })),
  'execution.checkpointing.externalized-checkpoint-retention': checkpointing((text, key) => ({
    retention: oneOf(text.toLowerCase().replaceAll('_', '-'), key, [
      'delete-on-cancellation',
      'retain-on-cancellation',
    ] as const),
  })),
  'execution.checkpointing.unaligned.enabled': checkpointing((text, key) => ({
    unaligned: truth(text, key),
  })),
  'execution.checkpointing.aligned-checkpoint-timeout': checkpointing((text) => ({
    alignedTimeoutMs: parseDuration(text),
  })),
  'execution.checkpointing.incremental': checkpointing((text, key) => ({
    incremental: truth(text, key),
  })),
  'execution.state-recovery.path': checkpointing((text) => ({ restorePath: text })),
  'execution.state-recovery.ignore-unclaimed-state': checkpointing((text, key) => ({
    allowNonRestoredState: truth(text, key),
  })),
  'execution.state-recovery.claim-mode': checkpointing((text, key) => ({
    claimMode: oneOf(text.toLowerCase().replaceAll('_', '-'), key, ['no-claim', 'claim'] as const),
  })),
  'restart-strategy.type': (text, key) => ({ restart: RESTART_DEFAULTS[restartKind(text, key)] }),
  'restart-strategy.fixed-delay.attempts': restart('fixed-delay', (text, key) => ({
    attempts: text === 'infinite' ? Number.POSITIVE_INFINITY : wholeNumber(text, key, 0, 2 ** 31),
  })),
  'restart-strategy.fixed-delay.delay': restart('fixed-delay', (text) => ({
    delayMs: parseDuration(text),
  })),
  'restart-strategy.failure-rate.max-failures-per-interval': restart(
    'failure-rate',
    (text, key) => ({ failuresPerIntervalMax: wholeNumber(text, key, 1, 2 ** 31) }),
  ),
  'restart-strategy.failure-rate.failure-rate-interval': restart('failure-rate', (text, key) => ({
    intervalMs: positiveDuration(text, key),
  })),
  'restart-strategy.failure-rate.delay': restart('failure-rate', (text) => ({
    delayMs: parseDuration(text),
  })),
  'restart-strategy.exponential-delay.initial-backoff': restart('exponential-delay', (text) => ({
    initialBackoffMs: parseDuration(text),
  })),
  'restart-strategy.exponential-delay.max-backoff': restart('exponential-delay', (text) => ({
    maxBackoffMs: parseDuration(text),
  })),
  'restart-strategy.exponential-delay.backoff-multiplier': restart(
    'exponential-delay',
    (text, key) => ({ backoffMultiplier: decimal(text, key, 1, 1000) }),
  ),
  'restart-strategy.exponential-delay.reset-backoff-threshold': restart(
    'exponential-delay',
    (text) => ({ resetBackoffThresholdMs: parseDuration(text) }),
  ),
  'restart-strategy.exponential-delay.jitter-factor': restart('exponential-delay', (text, key) => ({
    jitterFactor: decimal(text, key, 0, 1),
  })),
  'restart-strategy.exponential-delay.attempts-before-reset-backoff': restart(
    'exponential-delay',
    (text, key) => ({
      attemptsBeforeResetMax:
        text === 'infinite' ? Number.POSITIVE_INFINITY : wholeNumber(text, key, 0, 2 ** 31),
    }),
  ),
};

/** The keys that {@link configurationWith} knows. */
export const configurationKeys: readonly string[] = Object.keys(KEYS);

/**
 * `base` with options given as text (`-D key=value`); throws CONFIG_INVALID for an unknown key or a
 * bad value.
 */
export function configurationWith(
  base: PipelineConfiguration,
  options: Readonly<Record<string, string>>,
): PipelineConfiguration {
  let result = base;
  for (const [key, text] of Object.entries(options)) {
    const change = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (change === undefined) throw unknownKey(key);
    result = { ...result, ...change(text, key, result) };
  }
  return Object.freeze(result);
}

function unknownKey(key: string): MillraceError {
  return new MillraceError(
    'CONFIG_INVALID',
    `there is no option '${key}'; the options are ${configurationKeys.join(', ')}`,
  );
}

function bad(key: string, text: string, wanted: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `option ${key} is '${text}': give ${wanted}`);
}

function wholeNumber(text: string, key: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most || text.trim() === '') {
    throw bad(key, text, `a whole number from ${least} to ${most}`);
  }
  return value;
}

function positiveDuration(text: string, key: string): number {
  const ms = parseDuration(text);
  if (ms <= 0) throw bad(key, text, 'a duration above 0, such as 10 s');
  return ms;
}

function decimal(text: string, key: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw bad(key, text, `a number from ${least} to ${most}`);
  }
  return value;
}

function powerOfTwo(text: string, key: string): number {
  const value = wholeNumber(text, key, 4096, 2 ** 30);
  if ((value & (value - 1)) !== 0) throw bad(key, text, 'a power of two');
  return value;
}

function truth(text: string, key: string): boolean {
  if (text !== 'true' && text !== 'false') throw bad(key, text, 'true or false');
  return text === 'true';
}

function oneOf<T extends string>(text: string, key: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw bad(key, text, `one of ${choices.join(', ')}`);
  return choice;
}
