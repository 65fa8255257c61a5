/**
 * Finds the files, cuts them into splits and hands these out on request.
 *
 * Invariants:
 * 1. A split is at any time in exactly one place: waiting here, with a reader, or done.
 * 2. With one reader, splits are read in the order of the files and within a file from its start.
 */
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { ReaderFormat } from '../../functions/format.ts';
import type { SplitEnumerator, SplitEnumeratorContext } from '../../functions/source.ts';
import { isCompressed } from './file-input.ts';
import { findFiles } from './file-pattern.ts';
import { blockSplit, END_OF_FILE, type FileSplit, lineSplit } from './file-split.ts';
import { openRandomAccess } from './random-access.ts';

/** What the enumerator needs to know of the source. */
export interface FileEnumeratorOptions {
  readonly path: string;
  readonly format: ReaderFormat<unknown>;
  readonly splitBytes: number;
}

/** Hands out the splits of a file source. */
export class FileSplitEnumerator implements SplitEnumerator<FileSplit> {
  readonly #options: FileEnumeratorOptions;
  readonly #context: SplitEnumeratorContext<FileSplit>;
  /** Undefined until the files are listed. */
  #waiting: FileSplit[] | undefined;

  constructor(
    options: FileEnumeratorOptions,
    context: SplitEnumeratorContext<FileSplit>,
    restored: readonly FileSplit[] | undefined,
  ) {
    this.#options = options;
    this.#context = context;
    this.#waiting = restored === undefined ? undefined : [...restored];
  }

  async start(): Promise<void> {
    this.#waiting ??= await listSplits(this.#context.environment.fileSystem, this.#options);
  }

  addReader(): void {
    // Splits are handed out on request only.
  }

  handleSplitRequest(subtask: number): void {
    const split = this.#splits().shift();
    if (split === undefined) this.#context.signalNoMoreSplits(subtask);
    else this.#context.assignSplit(split, subtask);
  }

  addSplitsBack(splits: readonly FileSplit[]): void {
    this.#splits().unshift(...splits);
  }

  snapshotState(): readonly FileSplit[] {
    return [...this.#splits()];
  }

  #splits(): FileSplit[] {
    if (this.#waiting !== undefined) return this.#waiting;
    throw new MillraceError(
      'ILLEGAL_STATE',
      'the file enumerator was used before its start() was over',
    );
  }
}

async function listSplits(
  fileSystem: FileSystem,
  options: FileEnumeratorOptions,
): Promise<FileSplit[]> {
  const { path, format, splitBytes } = options;
  const splits: FileSplit[] = [];
  for (const file of findFiles(fileSystem, path)) {
    if (format.kind === 'blocks') splits.push(...(await blockSplits(fileSystem, file, format)));
    else if (isCompressed(file)) splits.push(lineSplit(file, 0, END_OF_FILE));
    else {
      const size = fileSystem.stat(file)?.size ?? 0;
      splits.push(...lineSplits(file, size, format.multiline ? size : splitBytes));
    }
  }
  return splits;
}

function lineSplits(file: string, size: number, splitBytes: number): FileSplit[] {
  const splits: FileSplit[] = [];
  for (let start = 0; start < size; start += splitBytes) {
    splits.push(lineSplit(file, start, Math.min(size, start + splitBytes)));
  }
  return splits;
}

async function blockSplits(
  fileSystem: FileSystem,
  path: string,
  format: ReaderFormat<unknown> & { readonly kind: 'blocks' },
): Promise<FileSplit[]> {
  using file = openRandomAccess(fileSystem, path);
  const splits: FileSplit[] = [];
  let start = 0;
  for (const [block, rows] of (await format.rowsOfBlocks(file)).entries()) {
    splits.push(blockSplit(path, block, { start, end: start + rows }));
    start += rows;
  }
  return splits;
}
