/** The few colors of the command line. */

/** Marks parts of a text; every function returns the text alone where colors are off. */
export interface TextStyle {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

/** No colors: not a terminal, `NO_COLOR`, or a terminal without them. */
export const plainStyle: TextStyle = {
  bold: (text) => text,
  dim: (text) => text,
  red: (text) => text,
  green: (text) => text,
};

/** Colors by ANSI escape codes. */
export const colorStyle: TextStyle = {
  bold: (text) => `\x1b[1m${text}\x1b[22m`,
  dim: (text) => `\x1b[2m${text}\x1b[22m`,
  red: (text) => `\x1b[31m${text}\x1b[39m`,
  green: (text) => `\x1b[32m${text}\x1b[39m`,
};
