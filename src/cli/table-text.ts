/** Rows for people: columns as wide as their widest cell. */
import type { TextStyle } from './text-style.ts';

/** The table, with a line end after every line. */
export function tableText(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  style: TextStyle,
): string {
  const widths = heads.map((head, column) =>
    rows.reduce((widest, row) => Math.max(widest, (row[column] ?? '').length), head.length),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => (cells[column] ?? '').padEnd(width))
      .join('  ')
      .trimEnd();
  return `${[style.dim(line(heads)), ...rows.map(line)].join('\n')}\n`;
}
