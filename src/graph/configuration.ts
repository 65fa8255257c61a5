/** A job's configuration: Flink's keys where Flink has them, parsed and checked once. */
import { MillraceError } from '../base/errors.ts';
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
  /** `execution.buffer-timeout.interval` in ms; 0: every record is flushed; -1: only full buffers. */
  readonly bufferTimeoutMs: number;
  /** `pipeline.operator-chaining.enabled` */
  readonly operatorChaining: boolean;
  /** `taskmanager.memory.ring-size`: bytes of each ring, a power of two; undefined: by parallelism. */
  readonly ringBytes: number | undefined;
  /** `taskmanager.memory.overflow-size`: bytes of emitted records kept in memory per channel before they go to disk. */
  readonly overflowBytesMax: number;
  /** `execution.executor` */
  readonly executor: ExecutorName;
  /** `execution.dump-chains`: a folder for the generated loops' sources. */
  readonly dumpChains: string | undefined;
}

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
});

type Change = Partial<PipelineConfiguration>;

/** Every key, with how its text becomes an option. */
const KEYS: Readonly<Record<string, (text: string, key: string) => Change>> = {
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
};

/** The keys that {@link configurationWith} knows. */
export const configurationKeys: readonly string[] = Object.keys(KEYS);

/** `base` with options given as text (`-D key=value`); throws CONFIG_INVALID for an unknown key or a bad value. */
export function configurationWith(
  base: PipelineConfiguration,
  options: Readonly<Record<string, string>>,
): PipelineConfiguration {
  let result = base;
  for (const [key, text] of Object.entries(options)) {
    const change = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (change === undefined) throw unknownKey(key);
    result = { ...result, ...change(text, key) };
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
