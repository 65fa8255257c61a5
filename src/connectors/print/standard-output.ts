/**
 * The process's standard output as a {@link TextOutput}; the only file of the connectors that names
 * it.
 */
import type { TextOutput } from './print-sink.ts';

/** Writes to `process.stdout`. */
export const standardOutput: TextOutput = {
  write: (text) => process.stdout.write(text),
  drained: () => new Promise((resolve) => process.stdout.once('drain', resolve)),
  flush: () =>
    new Promise((resolve, reject) => {
      process.stdout.write('', (error) => (error ? reject(error) : resolve()));
    }),
};
