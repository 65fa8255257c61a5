/** Writes files that roll by size and time, and appear whole. */
import { MillraceError } from '../../base/errors.ts';
import { MINUTE_MS } from '../../base/time.ts';
import type { WriterFormat } from '../../functions/format.ts';
import type { Committer, Sink } from '../../functions/sink.ts';
import { FileSinkWriter } from './file-sink-writer.ts';
import { PartCommitter } from './part-committer.ts';
import type { PartCommittable } from './part-file.ts';

/**
 * When a part file is closed and the next begun; whichever comes first, and at every checkpoint.
 */
export interface RollingPolicy {
  /** At this size; 128 MiB. */
  readonly maxPartBytes?: number | undefined;
  /** After it has been open for this long; 1 minute. */
  readonly rolloverIntervalMs?: number | undefined;
  /** After it took no record for this long (at the latest twice that); 1 minute. */
  readonly inactivityIntervalMs?: number | undefined;
}

/** Options of {@link fileSink}. */
export interface FileSinkOptions<T> {
  /** The folder; made if it is not there. */
  readonly path: string;
  /** What the files hold: `jsonLinesFormat()`, `csvFormat()`. */
  readonly format: WriterFormat<T>;
  /** How the files' names begin; `part`. */
  readonly prefix?: string | undefined;
  /** How the files' names end; the format's, such as `.jsonl`. */
  readonly suffix?: string | undefined;
  readonly rollingPolicy?: RollingPolicy | undefined;
  /**
   * The folder below `path` for a record, such as `dt=2001-01-17`; names separated by `/`. A bucket
   * that would leave `path` is refused.
   */
  readonly bucket?: ((record: T) => string) | undefined;
  /** How many buckets a subtask keeps open; 256. */
  readonly openPartsMax?: number | undefined;
}

/** {@link FileSinkOptions} with the defaults filled in. */
export interface FileSinkSettings<T> {
  readonly path: string;
  readonly format: WriterFormat<T>;
  readonly prefix: string;
  readonly suffix: string;
  readonly rollingPolicy: {
    readonly maxPartBytes: number;
    readonly rolloverIntervalMs: number;
    readonly inactivityIntervalMs: number;
  };
  readonly bucket: ((record: T) => string) | undefined;
  readonly openPartsMax: number;
}

const MEBIBYTE = 1024 * 1024;
const PART_BYTES_DEFAULT = 128 * MEBIBYTE;
const OPEN_PARTS_DEFAULT = 256;

/**
 * A sink that writes `<path>/<bucket>/<prefix>-<run>-<subtask>-<number><suffix>`, exactly once.
 * Files are written in hidden folders (`.inprogress-…`) and get their final names when the
 * checkpoint or the job is complete: who lists the folder never sees half a file, and restarts
 * neither lose nor repeat records. Without checkpoints, files appear at the end of the job.
 *
 * A restarted job removes what its earlier attempts have left in progress, and nothing of other
 * jobs. Finished files are yours: after a restore the sink does not ask where they have gone.
 *
 * @example
 * results.sinkTo(fileSink({ path: 'out', format: jsonLinesFormat() }));
 */
export function fileSink<T>(options: FileSinkOptions<T>): Sink<T, PartCommittable> {
  const settings = settingsOf(options);
  return Object.freeze({
    deliveryGuarantee: 'exactly-once',
    createWriter: (context, attempt) => new FileSinkWriter(settings, context, attempt),
    createCommitter: (context): Committer<PartCommittable> =>
      new PartCommitter(settings.path, context.environment.fileSystem, context.metricGroup),
  } satisfies Sink<T, PartCommittable>);
}

function settingsOf<T>(options: FileSinkOptions<T>): FileSinkSettings<T> {
  const { format, bucket, prefix = 'part', suffix = format.fileSuffix } = options;
  if (options.path === '') throw invalid('path', '', 'a folder');
  const path = options.path === '/' ? '/' : options.path.replace(/\/+$/, '');
  if (!/^[^./_\\][^/\\]{0,99}$/.test(prefix)) {
    throw invalid('prefix', prefix, 'a name without / that does not begin with . or _');
  }
  if (/[/\\]/.test(suffix) || suffix.length > 100)
    throw invalid('suffix', suffix, 'a name without /');
  const policy = options.rollingPolicy ?? {};
  return Object.freeze({
    path,
    format,
    prefix,
    suffix,
    bucket,
    rollingPolicy: {
      maxPartBytes: positive('maxPartBytes', policy.maxPartBytes ?? PART_BYTES_DEFAULT),
      rolloverIntervalMs: positive('rolloverIntervalMs', policy.rolloverIntervalMs ?? MINUTE_MS),
      inactivityIntervalMs: positive(
        'inactivityIntervalMs',
        policy.inactivityIntervalMs ?? MINUTE_MS,
      ),
    },
    openPartsMax: positive('openPartsMax', options.openPartsMax ?? OPEN_PARTS_DEFAULT),
  });
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw invalid(name, value, 'a number above 0');
}

function invalid(name: string, value: unknown, expected: string): MillraceError {
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${name} of a file sink must be ${expected}, got '${String(value)}'`,
  );
}
