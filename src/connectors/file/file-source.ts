/** Reads files: one, all of a folder, or those that match a pattern. */
import { MillraceError } from '../../base/errors.ts';
import type { ReaderFormat } from '../../functions/format.ts';
import type { Source, SourceReaderContext } from '../../functions/source.ts';
import { BlockSplitReader } from './block-split-reader.ts';
import { DeadLetterReporter, type OnMalformed } from './dead-letter-reporter.ts';
import { FileSplitEnumerator } from './file-enumerator.ts';
import { FileSourceReader, type OpenSplit } from './file-source-reader.ts';
import type { FileSplit } from './file-split.ts';
import { LineSplitReader } from './line-split-reader.ts';

/** Options of {@link fileSource}. */
export interface FileSourceOptions<T> {
  /**
   * A file, a folder (all files below it, but for names that begin with `.` or `_`), or a glob: `*`
   * and `?` within a name, `**` for any folders, `{a,b}`.
   */
  readonly path: string;
  /** What the files hold: `jsonLinesFormat()`, `csvFormat()`, `parquetFormat()`. */
  readonly format: ReaderFormat<T>;
  /** The size at which files of lines are cut, so that subtasks share them; 64 MiB. */
  readonly splitBytes?: number | undefined;
  /**
   * What happens to malformed input: `dead-letter` (default) sends it to the side output
   * `DEAD_LETTERS`, which somebody must read; `fail` fails the job.
   */
  readonly onMalformed?: OnMalformed | undefined;
  /** The longest line; a longer one is malformed; 64 MiB. */
  readonly lineBytesMax?: number | undefined;
  /** How much is read at a time; 256 KiB. */
  readonly blockBytes?: number | undefined;
}

const MEBIBYTE = 1024 * 1024;
const SPLIT_BYTES_DEFAULT = 64 * MEBIBYTE;
const LINE_BYTES_MAX_DEFAULT = 64 * MEBIBYTE;
const BLOCK_BYTES_DEFAULT = 256 * 1024;

/**
 * A bounded source of the records in files. Files must not change while a job reads them.
 *
 * @example
 * const flight = types.row({ origin: types.string, time: types.timestamp });
 * const flights = env.fromSource(
 *   fileSource({ path: 'flights/*.jsonl', format: jsonLinesFormat({ type: flight }) }),
 *   WatermarkStrategy.noWatermarks(),
 *   'flights',
 * );
 */
export function fileSource<T>(options: FileSourceOptions<T>): Source<T, FileSplit> {
  const { path, format } = options;
  if (path === '')
    throw new MillraceError('ILLEGAL_ARGUMENT', 'the path of a file source is empty');
  const splitBytes = positive('splitBytes', options.splitBytes ?? SPLIT_BYTES_DEFAULT);
  const lineBytesMax = positive('lineBytesMax', options.lineBytesMax ?? LINE_BYTES_MAX_DEFAULT);
  const blockBytes = positive('blockBytes', options.blockBytes ?? BLOCK_BYTES_DEFAULT);
  const onMalformed = policy(options.onMalformed ?? 'dead-letter');
  const limits = { lineBytesMax, blockBytes };
  return Object.freeze({
    boundedness: 'bounded' as const,
    producedType: format.producedType,
    createEnumerator: (context, restored) =>
      new FileSplitEnumerator({ path, format, splitBytes }, context, restored),
    createReader: (context) => {
      const deadLetters = new DeadLetterReporter(context, onMalformed);
      return new FileSourceReader(context, openSplit({ context, format, deadLetters, ...limits }));
    },
  } satisfies Source<T, FileSplit>);
}

interface OpenOptions<T> {
  readonly context: SourceReaderContext;
  readonly format: ReaderFormat<T>;
  readonly deadLetters: DeadLetterReporter;
  readonly lineBytesMax: number;
  readonly blockBytes: number;
}

function openSplit<T>(options: OpenOptions<T>): OpenSplit<T> {
  const { context, format, deadLetters, lineBytesMax, blockBytes } = options;
  const { fileSystem } = context.environment;
  if (format.kind === 'blocks') {
    return (split) => new BlockSplitReader(split, { fileSystem, format, deadLetters });
  }
  return (split) =>
    new LineSplitReader(split, { fileSystem, format, deadLetters, lineBytesMax, blockBytes });
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${name} of a file source must be a whole number of bytes above 0, got ${value}`,
  );
}

function policy(value: OnMalformed): OnMalformed {
  if (value === 'dead-letter' || value === 'fail') return value;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `onMalformed of a file source is 'dead-letter' or 'fail', got '${String(value)}'`,
  );
}
