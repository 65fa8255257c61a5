/** How a CSV file is written: its special characters, checked. */
import { MillraceError } from '../../base/errors.ts';

/** What may differ between CSV files; RFC 4180 by default. */
export interface CsvDialectOptions {
  /** Between cells; `,`. */
  readonly delimiter?: string | undefined;
  /** Around cells that hold special characters; `"`. Doubled within such a cell. */
  readonly quote?: string | undefined;
  /** Within quotes, takes the next character as it is; none by default. */
  readonly escape?: string | undefined;
  /** The unquoted text that means null in an optional column; empty by default. */
  readonly nullLiteral?: string | undefined;
  /** Whether lines that begin with `#` are comments; false. */
  readonly allowComments?: boolean | undefined;
  /**
   * Whether quoted cells may hold line feeds; false. A file is then read whole by one subtask,
   * since it cannot be cut at line feeds.
   */
  readonly multiline?: boolean | undefined;
}

/** A checked dialect. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: string;
  /** Empty if there is none. */
  readonly escape: string;
  readonly nullLiteral: string;
  readonly allowComments: boolean;
  readonly multiline: boolean;
}

/** Fills in the defaults and refuses characters that would be ambiguous. */
export function csvDialect(options: CsvDialectOptions): CsvDialect {
  const { delimiter = ',', quote = '"', escape = '', nullLiteral = '' } = options;
  requireCharacter('delimiter', delimiter);
  requireCharacter('quote', quote);
  if (escape !== '') requireCharacter('escape', escape);
  if (delimiter === quote || delimiter === escape) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `the CSV delimiter '${delimiter}' is also its quote or escape character: choose another`,
    );
  }
  const isAmbiguous = [delimiter, quote, '\n', '\r'].some((special) =>
    nullLiteral.includes(special),
  );
  if (isAmbiguous) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `the CSV nullLiteral '${nullLiteral}' holds a delimiter, quote or line end: choose another`,
    );
  }
  const { allowComments = false, multiline = false } = options;
  // A doubled quote and an escaped quote are the same thing if both are the same character.
  const escapeOrNone = escape === quote ? '' : escape;
  return { delimiter, quote, escape: escapeOrNone, nullLiteral, allowComments, multiline };
}

function requireCharacter(name: string, value: string): void {
  if (/^[\t\x20-\x7e]$/.test(value)) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `the CSV ${name} must be one ASCII character (a tab is '\\t'), got '${value}'`,
  );
}
