/**
 * The process as the command line sees it: two streams, signals, the exit. The only
 * file besides `main.ts` that names `process`.
 */
import { colorStyle, plainStyle, type TextStyle } from './text-style.ts';

/** An output stream. */
export interface TextStream {
  write(text: string): void;
  /** Resolves when all that was written has left the process. */
  flush(): Promise<void>;
  readonly isTerminal: boolean;
  /** Columns of the terminal. */
  readonly columns: number;
  readonly style: TextStyle;
}

/** See the file's head. */
export interface Terminal {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Calls back at SIGINT and SIGTERM, which no longer end the process; returns how to undo it. */
  onInterrupt(callback: () => void): () => void;
  /** Calls back before anybody writes to the standard output; returns how to undo it. */
  beforeOutput(callback: () => void): () => void;
  exit(code: number): never;
}

/** The real one. */
export function processTerminal(): Terminal {
  const endQuietly = (error: NodeJS.ErrnoException): void => {
    // Whoever reads has left, as `head` does: nobody wants the rest.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  };
  process.stdout.on('error', endQuietly);
  return {
    stdout: streamOf(process.stdout),
    stderr: streamOf(process.stderr),
    onInterrupt,
    beforeOutput,
    exit: (code) => process.exit(code),
  };
}

function streamOf(stream: NodeJS.WriteStream): TextStream {
  const isTerminal = stream.isTTY && process.env['TERM'] !== 'dumb';
  const isColored = isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  return {
    write: (text) => void stream.write(text),
    flush: () => new Promise((resolve) => stream.write('', () => resolve())),
    isTerminal,
    get columns(): number {
      return stream.columns || 80;
    },
    style: isColored ? colorStyle : plainStyle,
  };
}

function onInterrupt(callback: () => void): () => void {
  process.on('SIGINT', callback);
  process.on('SIGTERM', callback);
  return () => {
    process.off('SIGINT', callback);
    process.off('SIGTERM', callback);
  };
}

/** The print sink writes to `process.stdout` from any thread; all of it comes through here. */
function beforeOutput(callback: () => void): () => void {
  const { stdout } = process;
  const write = stdout.write;
  stdout.write = function (this: NodeJS.WriteStream, ...args: unknown[]): boolean {
    callback();
    return Reflect.apply(write, stdout, args) as boolean;
  };
  return () => {
    stdout.write = write;
  };
}
