/** A terminal whose output a test reads. */
import type { Terminal } from '../terminal.ts';
import { plainStyle } from '../text-style.ts';

/** What was written so far. */
export interface TextTerminal {
  readonly terminal: Terminal;
  readonly texts: { stdout: string; stderr: string };
}

/** Makes one; nothing of it is a real terminal. */
export function textTerminal(): TextTerminal {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr'): Terminal['stdout'] => ({
    write: (text) => {
      texts[name] += text;
    },
    flush: async () => undefined,
    isTerminal: false,
    columns: 80,
    style: plainStyle,
  });
  const terminal: Terminal = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    onInterrupt: () => () => undefined,
    beforeOutput: () => () => undefined,
    exit: (code) => {
      throw new Error(`exit with ${code}`);
    },
  };
  return { terminal, texts };
}
