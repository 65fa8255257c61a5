/** The fenced blocks of Markdown documents, and how they belong together. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A fenced block. The word behind the language names a file: a program of that name is run, data of
 * that name is put beside it.
 */
export interface CodeBlock {
  /** Path of the document, from the root. */
  readonly document: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly fileName: string | undefined;
  readonly text: string;
  /** What the program prints, if a `text` block follows it directly. */
  readonly output: string | undefined;
}

const FENCED = /^```([\w-]*)[ \t]*(\S*)[^\n]*\n([\s\S]*?)^```[ \t]*$/gm;
const OUTPUT = /^\s*```text\n([\s\S]*?)^```/m;

/** The blocks of a document, in order. */
export function codeBlocks(document: string): readonly CodeBlock[] {
  return blocksOf(document, readFileSync(`${ROOT}/${document}`, 'utf8'));
}

/** The blocks of Markdown text. */
export function blocksOf(document: string, markdown: string): readonly CodeBlock[] {
  return [...markdown.matchAll(FENCED)].map((match) => {
    const [whole, language = '', fileName = '', text = ''] = match;
    const rest = markdown.slice(match.index + whole.length);
    const output = rest.search(OUTPUT) === 0 ? OUTPUT.exec(rest)?.[1] : undefined;
    const line = markdown.slice(0, match.index).split('\n').length;
    return { document, line, language, fileName: fileName || undefined, text, output };
  });
}

/** The rows of the first table behind a heading, as cells without the bars. */
export function tableRows(markdown: string, heading: string): readonly (readonly string[])[] {
  const start = markdown.indexOf(`\n${heading}\n`);
  const lines = start < 0 ? [] : markdown.slice(start + 1).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const rows: string[][] = [];
  for (const line of first < 0 ? [] : lines.slice(first + 2)) {
    if (!line.startsWith('|')) break;
    const cells = line.replaceAll('\\|', '\u0000').split('|').slice(1, -1);
    rows.push(cells.map((cell) => cell.trim().replaceAll('\u0000', '|')));
  }
  return rows;
}

/** Text between backticks, or undefined. */
export function codeIn(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1];
}
