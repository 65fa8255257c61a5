/**
 * A folder as a user's: `node_modules/millrace` leads to the sources, so examples run and are
 * checked without a build, by the names that package.json exports.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_TIMEOUT_MS = 60_000;

/** A compiler's message. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** What a program printed and how it ended. */
export interface RunResult {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** See the file's head. */
export class ExampleFolder {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
    const installed = join(this.path, 'node_modules/millrace');
    mkdirSync(installed, { recursive: true });
    for (const folder of ['src', 'native-free']) {
      symlinkSync(join(ROOT, folder), join(installed, folder));
    }
    const manifest = { name: 'millrace', type: 'module', exports: sourceExports() };
    writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
    this.write('package.json', '{ "type": "module" }');
    this.write('tsconfig.json', JSON.stringify(compilerOptions()));
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** Checks the types of all programs in the folder. */
  async check(): Promise<readonly Diagnostic[]> {
    const compiler = join(ROOT, 'node_modules/typescript-7/bin/tsc');
    const { output } = await this.run(compiler, '-p', '.', '--pretty', 'false');
    const found = output.matchAll(/^([^\s(][^(\n]*)\((\d+),\d+\): error (.*)$/gm);
    return [...found].map(([, file = '', line, message = '']) => ({
      file,
      line: Number(line),
      message,
    }));
  }

  /** Runs a program under the Node that runs this test. */
  run(...args: readonly string[]): Promise<RunResult> {
    return new Promise((resolve) => {
      const options = { cwd: this.path, timeout: RUN_TIMEOUT_MS };
      execFile(process.execPath, args, options, (error, output, errors) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ exitCode, output, errors });
      });
    });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The exports of package.json, with the sources in place of what is built from them. */
function sourceExports(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const entries = Object.entries(manifest.exports).flatMap(([name, target]) =>
    typeof target === 'string' ? [] : [[name, sourceOf(target.default)] as const],
  );
  return Object.fromEntries(entries);
}

function sourceOf(built: string): string {
  return built.replace('./dist/', './').replace(/\.js$/, '.ts');
}

function compilerOptions(): unknown {
  return {
    compilerOptions: {
      target: 'es2022',
      lib: ['es2024', 'esnext.disposable'],
      module: 'nodenext',
      moduleDetection: 'force',
      typeRoots: [join(ROOT, 'node_modules/@types')],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
    },
    include: ['*.ts'],
  };
}
