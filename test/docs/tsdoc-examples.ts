/** The `@example`s of every name that users can import, as programs. */
import { posix } from 'node:path';
import ts from 'typescript';
import { exportsOf } from '../tidy/documentation.ts';
import { type SourceFile, walk } from '../tidy/source-file.ts';

/** An example in a comment. */
export interface TsdocExample {
  /** Where it stands, for messages: `src/types/types.ts types`. */
  readonly where: string;
  readonly text: string;
}

/** What an example may import: names by entry point. */
type Importable = ReadonlyMap<string, { readonly from: string; readonly isType: boolean }>;

/** What stands for the surroundings that examples leave out. None of them exists at run time. */
const SURROUNDINGS: Readonly<Record<string, string>> = {
  env: 'StreamExecutionEnvironment',
  flights: 'DataStream<Flight>',
  stream: 'DataStream<Flight>',
  results: 'SingleOutputStreamOperator<Flight>',
  words: 'DataStream<string>',
  countFlights: 'AggregateFunction<Flight, { count: number }, number>',
  late: 'OutputTag<Flight>',
  doorbell: 'Doorbell',
  reader: 'RingReader',
  writer: 'RingWriter',
  total: 'number',
  Flight: '{ id: number; origin: string; destination: string; time: number; count: number }',
};

/** The examples of the exported names, each once. */
export function tsdocExamples(
  files: readonly SourceFile[],
  entryPoints: ReadonlyMap<string, string>,
): readonly TsdocExample[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const found = new Map<string, TsdocExample>();
  for (const path of entryPoints.values()) {
    for (const { file, node, name } of exportsOf(byPath, path)) {
      walk(node, (inner) => {
        for (const tag of ts.getJSDocTags(inner)) {
          if (tag.tagName.text !== 'example') continue;
          const text = ts.getTextOfJSDocComment(tag.comment) ?? '';
          found.set(`${file.path}:${tag.pos}`, { where: `${file.path} ${name}`, text });
        }
      });
    }
  }
  return [...found.values()];
}

/** Entry points by the specifier that users write: `millrace/ring` and the file behind it. */
export function entryPoints(files: readonly SourceFile[]): ReadonlyMap<string, string> {
  const fixed = [
    ['millrace', 'src/index.ts'],
    ['millrace/ring', 'src/runtime/ring/index.ts'],
    ['millrace/testing', 'src/testing/index.ts'],
  ] as const;
  const connectors = files
    .filter(({ path }) => /^src\/connectors\/[\w-]+\/index\.ts$/.test(path))
    .map(
      ({ path }) => [`millrace/connectors/${posix.basename(posix.dirname(path))}`, path] as const,
    );
  return new Map([...fixed, ...connectors]);
}

/** Every name that an example may use without saying where from. */
export function importableNames(
  files: readonly SourceFile[],
  entries: ReadonlyMap<string, string>,
): Importable {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const names = new Map<string, { from: string; isType: boolean }>();
  for (const [from, path] of entries) {
    for (const { node, name } of exportsOf(byPath, path)) {
      if (names.has(name)) continue;
      const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
      names.set(name, { from, isType });
    }
  }
  return names;
}

/** Whether the example can run as it stands: it needs nothing from its surroundings. */
export function isSelfContained({ text }: TsdocExample): boolean {
  return Object.keys(SURROUNDINGS).every((name) => !uses(declaredElsewhere(text), name));
}

/** The example as a module: what it uses is imported or declared, and its code is one function. */
export function programOf({ text }: TsdocExample, importable: Importable): string {
  const imports: string[] = [...(text.match(/^import .*$/gm) ?? [])];
  const body = text.replace(/^import .*$/gm, '');
  const surroundings = Object.entries(SURROUNDINGS)
    .filter(
      ([name]) =>
        uses(body, name) || (name === 'Flight' && /Flight|flight|stream|results/.test(body)),
    )
    .map(([name, type]) =>
      name === 'Flight' ? `interface Flight ${type}` : `declare let ${name}: ${type};`,
    );
  const head = surroundings.join('\n');
  for (const [name, { from, isType }] of importable) {
    if (!uses(`${head}\n${body}`, name) || imports.some((line) => uses(line, name))) continue;
    imports.push(`import { ${isType ? 'type ' : ''}${name} } from '${from}';`);
  }
  if (uses(body, 'createInterface')) {
    imports.push(`import { createInterface } from 'node:readline';`);
  }
  const program = `export async function example(): Promise<void> {\n${body}\n}\n`;
  return `${imports.join('\n')}\n${head}\n${program}`;
}

/** The text without what it declares itself, so that only borrowed names are left. */
function declaredElsewhere(text: string): string {
  const own = [...text.matchAll(/\b(?:const|let|using|type|interface) (\w+)/g)].map(([, n]) => n);
  return own.reduce<string>(
    (rest, name) => rest.replace(new RegExp(`\\b${name}\\b`, 'g'), ''),
    text,
  );
}

function uses(text: string, name: string): boolean {
  return new RegExp(`(?<![.\\w'/])${name}\\b(?!['\\w])`).test(text);
}
