/**
 * The data plane's banned words: what costs too much per record.
 *
 * A file is of the data plane if its first comment begins with `@dataplane`. Constructors are
 * exempt, and so are functions whose comment says `@controlplane`: they run once, or per batch at
 * most.
 */
import ts from 'typescript';
import { type Finding, finding, type SourceFile } from './source-file.ts';

const SLOW_METHODS = new Set(['map', 'filter', 'forEach', 'reduce', 'flatMap', 'entries']);

/** Banned words in functions of data-plane files. */
export function checkDataPlane(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter((file) => isDataPlane(file.text)).flatMap(checkFile);
}

/** Whether a file's head says `@dataplane`. */
export function isDataPlane(text: string): boolean {
  return /^\/\*\*[\s*]*@dataplane\b/.test(text);
}

function checkFile(file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  const visit = (node: ts.Node, isInFunction: boolean): void => {
    if (isExempt(node)) return;
    const word = isInFunction || ts.isFunctionLike(node) ? bannedWord(node) : undefined;
    if (word !== undefined) findings.push(finding(file, node, `${word} in the data plane`));
    const isBelow = isInFunction || ts.isFunctionLike(node);
    node.forEachChild((child) => visit(child, isBelow));
  };
  visit(file.tree, false);
  return findings;
}

function isExempt(node: ts.Node): boolean {
  if (ts.isConstructorDeclaration(node) || ts.isTypeNode(node)) return true;
  return ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'controlplane');
}

function bannedWord(node: ts.Node): string | undefined {
  if (isGenerator(node)) return 'a generator';
  if (ts.isYieldExpression(node)) return 'yield';
  if (ts.isAwaitExpression(node)) return 'await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isIdentifier(node) && node.text === 'Promise') return 'Promise';
  if (ts.isTryStatement(node)) return 'try';
  if (ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) return 'spread';
  if (ts.isForOfStatement(node)) return 'for … of';
  if (ts.isForInStatement(node)) return 'for … in';
  if (ts.isIdentifier(node) && node.text === 'arguments') return 'arguments';
  return slowCall(node);
}

function isGenerator(node: ts.Node): boolean {
  const isFunction =
    ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isMethodDeclaration(node);
  return isFunction && node.asteriskToken !== undefined;
}

function slowCall(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) {
    return undefined;
  }
  const name = node.expression.name.text;
  const takesFunction = node.arguments.some(
    (argument) => ts.isArrowFunction(argument) || ts.isFunctionExpression(argument),
  );
  return SLOW_METHODS.has(name) && (takesFunction || name === 'entries') ? `.${name}(` : undefined;
}
