/** Source files as the tidy checks see them: path, text, syntax tree, imports. */
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Something a check does not like. */
export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** An import or re-export of another module. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The file it leads to, from the repository's root; `undefined` for packages and builtins. */
  readonly path: string | undefined;
  readonly isTypeOnly: boolean;
  readonly node: ts.Node;
}

/** A parsed file. */
export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** Reads every TypeScript file that is ours. */
export function readSourceFiles(): readonly SourceFile[] {
  const paths = globSync('{src,native-free,bench,test}/**/*.ts', { cwd: ROOT });
  return paths.sort().map((path) => parse(path, readFileSync(`${ROOT}/${path}`, 'utf8')));
}

/** Parses text as if it were the file `path`. */
export function parse(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, tree, imports: importsOf(path, tree) };
}

/** A finding at a node. */
export function finding(file: SourceFile, node: ts.Node, message: string): Finding {
  const { line } = file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree));
  return { path: file.path, line: line + 1, message };
}

/** Calls `visit` with every node of the tree, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

/** Whether a file is a test, or lies in a folder that only tests use. */
export function isTestFile(path: string): boolean {
  return path.startsWith('test/') || /\.(test|soak|test-[a-z-]+)\.ts$/.test(path);
}

function importsOf(path: string, tree: ts.SourceFile): readonly Import[] {
  const imports: Import[] = [];
  const add = (literal: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return;
    const specifier = literal.text;
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(path), specifier)
      : undefined;
    imports.push({ specifier, path: target, isTypeOnly, node: literal });
  };
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && isImportCall(node)) {
      add(node.arguments[0], false);
    }
  });
  return imports;
}

/** `import(…)`, or its synchronous form for what is built in. */
function isImportCall(node: ts.CallExpression): boolean {
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  return node.expression.getText() === 'process.getBuiltinModule';
}

function isTypeImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}
