/** How long files, functions and lines are. What is too long already may shrink but not grow. */
import ts from 'typescript';
import { type Finding, finding, isTestFile, type SourceFile, walk } from './source-file.ts';

/** Look twice beyond these. */
export const FILE_LINES_MAX = 500;
export const TEST_FILE_LINES_MAX = 1000;
export const FUNCTION_LINES_MAX = 70;
export const COLUMNS_MAX = 100;

/** Files that are longer than the limit. */
export function longFiles(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1;
    const max = isTestFile(file.path) ? TEST_FILE_LINES_MAX : FILE_LINES_MAX;
    return lines > max ? [{ path: file.path, line: lines, message: `${lines} lines` }] : [];
  });
}

/**
 * Functions that are longer than the limit, comments and blank lines not counted. Tests may be
 * long.
 */
export function longFunctions(files: readonly SourceFile[]): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of files) {
    if (isTestFile(file.path)) continue;
    walk(file.tree, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
      const lines = codeLines(node.getText(file.tree));
      if (lines <= FUNCTION_LINES_MAX) return;
      findings.push(finding(file, node, `a function of ${lines} lines`));
    });
  }
  return findings;
}

/** Lines with more columns than the limit. */
export function longLines(files: readonly SourceFile[]): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    for (const [index, line] of text.split('\n').entries()) {
      if (line.length <= COLUMNS_MAX) continue;
      findings.push({ path, line: index + 1, message: `${line.length} columns` });
    }
  }
  return findings;
}

function codeLines(text: string): number {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return bare.split('\n').filter((line) => line.trim() !== '').length;
}
