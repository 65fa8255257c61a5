/**
 * The arguments of a bench's child process behind its own: options of the job have a dot in their
 * names, the job's arguments have none.
 */

/** See the file's head. */
export interface JobOptions {
  readonly args: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
}

/** Divides texts `name=value`. */
export function jobOptions(texts: readonly string[]): JobOptions {
  const isOption = (text: string): boolean => text.split('=', 1)[0]?.includes('.') === true;
  return {
    args: texts.filter((text) => !isOption(text)),
    configuration: Object.fromEntries(texts.filter(isOption).map(splitOnce)),
  };
}

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}
