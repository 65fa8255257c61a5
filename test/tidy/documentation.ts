/** Every name that users can import has a comment. */
import ts from 'typescript';
import { type Finding, finding, type SourceFile } from './source-file.ts';

type Files = ReadonlyMap<string, SourceFile>;

/** Exported names reachable from `entryPoints` whose declaration has no TSDoc sentence. */
export function checkDocumentation(
  files: readonly SourceFile[],
  entryPoints: readonly string[],
): readonly Finding[] {
  const byPath: Files = new Map(files.map((file) => [file.path, file]));
  const findings = new Map<string, Finding>();
  for (const entryPoint of entryPoints) {
    for (const { file, node, name } of exportsOf(byPath, entryPoint)) {
      if (hasComment(node)) continue;
      const bare = finding(file, node, `exported '${name}' has no TSDoc comment`);
      findings.set(`${bare.path}:${name}`, bare);
    }
  }
  return [...findings.values()];
}

interface Exported {
  readonly file: SourceFile;
  readonly node: ts.Node;
  readonly name: string;
}

/** Every exported declaration of a module, followed through re-exports. */
export function exportsOf(files: Files, path: string, wanted?: string): readonly Exported[] {
  const file = files.get(path);
  if (file === undefined) return [];
  const found: Exported[] = [];
  for (const statement of file.tree.statements) {
    if (ts.isExportDeclaration(statement)) {
      found.push(...reExports(files, file, statement, wanted));
    } else if (isExported(statement)) {
      found.push(...declared(file, statement, wanted));
    }
  }
  return found;
}

function reExports(
  files: Files,
  file: SourceFile,
  statement: ts.ExportDeclaration,
  wanted: string | undefined,
): readonly Exported[] {
  const target = file.imports.find(({ node }) => node === statement.moduleSpecifier)?.path;
  const clause = statement.exportClause;
  if (clause === undefined) return target === undefined ? [] : exportsOf(files, target, wanted);
  if (!ts.isNamedExports(clause)) return [];
  return clause.elements
    .filter((element) => wanted === undefined || element.name.text === wanted)
    .flatMap((element) => {
      const name = (element.propertyName ?? element.name).text;
      const from = target ?? importedFrom(file, name);
      if (from !== undefined) return exportsOf(files, from, name);
      return statement.moduleSpecifier === undefined ? locals(file, name) : [];
    });
}

function importedFrom(file: SourceFile, name: string): string | undefined {
  for (const { node, path } of file.imports) {
    const bindings = ts.isImportDeclaration(node.parent)
      ? node.parent.importClause?.namedBindings
      : undefined;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    if (bindings.elements.some((element) => element.name.text === name)) return path;
  }
  return undefined;
}

function locals(file: SourceFile, name: string): readonly Exported[] {
  return file.tree.statements.flatMap((statement) => declared(file, statement, name));
}

function declared(
  file: SourceFile,
  statement: ts.Statement,
  wanted: string | undefined,
): readonly Exported[] {
  const names = ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.getText(file.tree))
    : [nameOf(file, statement)];
  return names
    .filter((name) => name !== undefined && (wanted === undefined || name === wanted))
    .map((name) => ({ file, node: statement, name: name ?? '' }));
}

function nameOf(file: SourceFile, statement: ts.Statement): string | undefined {
  const name = (statement as { name?: ts.Node }).name;
  return name?.getText(file.tree);
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

/** Overloads share the first one's comment, so any declaration of the name will do. */
function hasComment(node: ts.Node): boolean {
  if (hasOwnComment(node)) return true;
  if (!ts.isFunctionDeclaration(node) || !ts.isSourceFile(node.parent)) return false;
  const name = node.name?.text;
  return node.parent.statements.some(
    (other) => ts.isFunctionDeclaration(other) && other.name?.text === name && hasOwnComment(other),
  );
}

function hasOwnComment(node: ts.Node): boolean {
  return ts
    .getJSDocCommentsAndTags(node)
    .some((doc) => ts.isJSDoc(doc) && doc.comment !== undefined && doc.comment.length > 0);
}
