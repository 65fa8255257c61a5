/**
 * The Flink harness: a folder with `run.sh`, copied to the temporary folder, with the classes of
 * `java/` beside this file added, and built there once per content.
 *
 * Invariants:
 * 1. The harness's own folder is only read.
 * 2. A build is complete or not there: it is made under another name and renamed.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../support/bench.ts';
import { lastJsonLine, runChild } from '../support/child.ts';
import { withFolder } from '../support/state-setting.ts';

/** The environment variable that names the harness's folder. */
export const HARNESS_VARIABLE = 'MILLRACE_FLINK_HARNESS';

const JAR = 'target/flink-harness-1.jar';
/** As in `run.sh`. */
const JAVA_OPTIONS: readonly string[] = [
  '-Xms4g',
  '-Xmx4g',
  '-Dlog.level=ERROR',
  ...['lang', 'util', 'time', 'util.concurrent', 'lang.reflect', 'nio'].map(
    (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
  ),
  '-cp',
  `${JAR}:target/lib/*`,
];
/** Classes of ours that the harness is built with. */
const OWN_CLASSES = fileURLToPath(new URL('java/', import.meta.url));
const CLASSES = 'src/main/java/fx';
const BUILT_FROM: readonly string[] = ['run.sh', 'pom.xml', 'src', 'conf', 'sql'];

/**
 * Figures of one Flink run as its harness prints them; and what others burnt of the machine
 * meanwhile.
 */
export type FlinkFigures = Readonly<Record<string, number>>;

/** The built harness. */
export interface Harness {
  /**
   * Runs it with these arguments and a checkpoint each so many seconds; without, it takes none (one
   * an hour).
   */
  run(args: readonly (string | number)[], checkpointSeconds?: number): Promise<FlinkFigures>;
  /** Runs the main class of that name of ours, with its arguments, in the same way. */
  runClass(
    name: string,
    args: readonly (string | number)[],
    checkpointSeconds?: number,
  ): Promise<FlinkFigures>;
}

/** The harness's folder; undefined if there is none. */
export function harnessFolder(): string | undefined {
  const folder = process.env[HARNESS_VARIABLE] ?? join(ROOT, '../shared/flink-harness');
  return existsSync(join(folder, 'run.sh')) ? folder : undefined;
}

/** Builds the harness, or finds an earlier build of the same content. */
export async function buildHarness(folder: string): Promise<Harness> {
  const built = join(tmpdir(), `millrace-flink-harness-${contentHash(folder)}`);
  if (!existsSync(join(built, JAR))) await build(folder, built);
  const run = async (command: string, args: readonly string[]): Promise<FlinkFigures> => {
    const { stdout } = await runChild(command, args, { cwd: built });
    return { ...figuresOf(stdout), ...(lastJsonLine(stdout) as FlinkFigures) };
  };
  return {
    run: (args, checkpointSeconds) =>
      run('bash', [join(built, 'run.sh'), ...args.map(String), intervalOption(checkpointSeconds)]),
    runClass: (name, args, checkpointSeconds) =>
      withFolder((data) => {
        const own = [`dir=${data}`, 'conf=conf/flink.properties'];
        const all = [...args.map(String), intervalOption(checkpointSeconds), ...own];
        return run('java', [...JAVA_OPTIONS, `fx.${name}`, name, ...all]);
      }),
  };
}

function intervalOption(checkpointSeconds: number | undefined): string {
  const interval = checkpointSeconds === undefined ? '1h' : `${checkpointSeconds}s`;
  return `conf.execution.checkpointing.interval=${interval}`;
}

/** The first line of JSON is the measurement; those after it are of the whole process. */
function figuresOf(stdout: string): FlinkFigures {
  const line = stdout.split('\n').find((each) => each.startsWith('{'));
  return JSON.parse(line ?? '{}') as FlinkFigures;
}

async function build(folder: string, built: string): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'millrace-flink-build-'));
  for (const name of BUILT_FROM) {
    cpSync(join(folder, name), join(copy, name), { recursive: true, mode: 0 });
  }
  makeWritable(copy);
  cpSync(OWN_CLASSES, join(copy, CLASSES), { recursive: true, mode: 0 });
  process.stderr.write(`building the Flink harness in ${copy} …\n`);
  await runChild('bash', [join(copy, 'run.sh'), 'build'], { cwd: copy });
  rmSync(built, { recursive: true, force: true });
  renameSync(copy, built);
}

/** Maven writes beside what was copied from a folder that may be read-only. */
function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeWritable(path);
    else chmodSync(path, entry.name.endsWith('.sh') ? 0o755 : 0o644);
  }
}

function contentHash(folder: string): string {
  const hash = createHash('sha256');
  for (const file of filesOf(folder)) {
    hash.update(`${relative(folder, file)}\0`);
    hash.update(readFileSync(file));
  }
  for (const name of readdirSync(OWN_CLASSES)) hash.update(readFileSync(join(OWN_CLASSES, name)));
  return hash.digest('hex').slice(0, 16);
}

function filesOf(folder: string): string[] {
  return BUILT_FROM.flatMap((name) => {
    const path = join(folder, name);
    const entries = name.includes('.')
      ? undefined
      : readdirSync(path, { recursive: true, withFileTypes: true });
    if (entries === undefined) return [path];
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }).toSorted();
}
