/** Leftovers and constructs that have no place in the tree. */
import ts from 'typescript';
import { type Finding, finding, isTestFile, type SourceFile, walk } from './source-file.ts';

/** Where a default export is the point: job modules and what tools read. */
const MAY_EXPORT_DEFAULT = /^(src\/examples\/|bench\/|test\/)|(^|[-./])jobs?(\.ts|\/)/;

/** Only one file each may start threads with these. */
const THREAD_OWNERS_MAX = 1;

/** `FIXME`, `TODO` without an issue, `.only(`, skips without a reason, default exports, enums. */
export function checkSyntax(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => [...leftovers(file), ...constructs(file)]);
}

function leftovers(file: SourceFile): readonly Finding[] {
  if (file.path.startsWith('test/tidy')) return [];
  const findings: Finding[] = [];
  for (const [index, line] of file.text.split('\n').entries()) {
    const isLeft = /\b(FIXME|XXX)\b/.test(line) || /\bTODO\b(?!\(#\d+\))/.test(line);
    if (!isLeft) continue;
    findings.push({ path: file.path, line: index + 1, message: 'FIXME, or TODO without an issue' });
  }
  return findings;
}

function constructs(file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  walk(file.tree, (node) => {
    const message = isTestFile(file.path)
      ? (testComplaint(node) ?? constructComplaint(file, node))
      : constructComplaint(file, node);
    if (message !== undefined) findings.push(finding(file, node, message));
  });
  return findings;
}

function testComplaint(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) {
    return undefined;
  }
  const chain = node.expression.getText();
  if (!/^test(\.\w+)+$/.test(chain)) return undefined;
  if (chain.endsWith('.only')) return 'test.only: the others would not run';
  if (!/\.(skip|todo|failing)$/.test(chain)) return undefined;
  const title = node.arguments[0];
  const hasReason =
    title !== undefined && ts.isStringLiteralLike(title) && /\(.+\)$/.test(title.text);
  return hasReason ? undefined : `${chain}: end the title with the reason, in parentheses`;
}

function constructComplaint(file: SourceFile, node: ts.Node): string | undefined {
  if (ts.isEnumDeclaration(node)) return 'enum: use integer constants or a union';
  if (ts.isModuleDeclaration(node) && ts.isIdentifier(node.name)) {
    return node.name.text === 'global' ? undefined : 'namespace: use a module';
  }
  if (isDefaultExport(node) && !MAY_EXPORT_DEFAULT.test(file.path)) {
    return 'default export: export by name';
  }
  return undefined;
}

function isDefaultExport(node: ts.Node): boolean {
  return ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword
    ? !ts.isDefaultClause(node.parent)
    : false;
}

/** `new Worker(` or piscina in more than one file: threads have one owner each. */
export function checkThreads(files: readonly SourceFile[]): readonly Finding[] {
  const product = files.filter(({ path }) => path.startsWith('src/') && !isTestFile(path));
  return [
    ...tooMany(product, 'new Worker(', startsWorker),
    ...tooMany(
      product,
      "import of 'piscina'",
      (file) =>
        file.imports.find(({ specifier, isTypeOnly }) => specifier === 'piscina' && !isTypeOnly)
          ?.node,
    ),
  ];
}

function startsWorker(file: SourceFile): ts.Node | undefined {
  let found: ts.Node | undefined;
  walk(file.tree, (node) => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'Worker') found = node;
  });
  return found;
}

function tooMany(
  files: readonly SourceFile[],
  what: string,
  find: (file: SourceFile) => ts.Node | undefined,
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of files) {
    const node = find(file);
    if (node !== undefined) findings.push(finding(file, node, `${what} in more than one file`));
  }
  return findings.length > THREAD_OWNERS_MAX ? findings : [];
}
