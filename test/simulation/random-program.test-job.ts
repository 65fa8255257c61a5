/** The job module of random programs: the program comes as JSON in the first argument. */
import type { StreamExecutionEnvironment } from '../../src/index.ts';
import { buildLateProgram, buildProgram, type Program } from './random-program.ts';

/** Builds the program; a second argument `late` asks for the one with late records. */
export function main(env: StreamExecutionEnvironment, args: readonly string[]): void {
  const program = JSON.parse(args[0] ?? '') as Program;
  if (args[1] === 'late') buildLateProgram(env, program);
  else buildProgram(env, program);
}
