/** An error for people: what happened, where, on which record, and the lines of the user's code. */
import { errorCodeOf } from './exit-code.ts';
import type { TextStyle } from './text-style.ts';

/** The folder of the engine's own files; frames in it say nothing to users. */
const ENGINE = new URL('..', import.meta.url).href;
const EXAMPLES = new URL('../examples/', import.meta.url).href;
/** Longest text of a detail. */
const DETAIL_CHARACTERS_MAX = 500;

/** The text, with a line end after every line. */
export function errorText(error: unknown, style: TextStyle): string {
  const chain = causesOf(error);
  const code = errorCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const lines = [
    `${style.red(style.bold(code ?? 'error'))}  ${message}`,
    ...detailLines(chain, style),
    ...stackLines(chain, code === 'BUG').map((line) => style.dim(line)),
  ];
  return `${lines.join('\n')}\n`;
}

function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && !chain.includes(each); each = each.cause) {
    chain.push(each);
  }
  return chain;
}

/** Operator, record and whatever else is known, the outermost error's word first. */
function detailLines(chain: readonly Error[], style: TextStyle): readonly string[] {
  const details = new Map<string, string>();
  for (const error of chain) {
    if (!('details' in error) || typeof error.details !== 'object') continue;
    for (const [name, value] of Object.entries(error.details ?? {})) {
      if (value !== undefined && !details.has(name)) details.set(name, detailText(value));
    }
  }
  const width = Math.max(0, ...[...details.keys()].map((name) => name.length));
  return [...details].map(([name, text]) => `  ${style.dim(name.padEnd(width))}  ${text}`);
}

function detailText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > DETAIL_CHARACTERS_MAX ? `${text.slice(0, DETAIL_CHARACTERS_MAX)}…` : text;
}

/** The stack of the innermost error that has lines of the user's code. */
function stackLines(chain: readonly Error[], showsEngine: boolean): readonly string[] {
  for (const error of chain.toReversed()) {
    const frames = framesOf(error);
    const shown = showsEngine ? frames : frames.filter(isUsersFrame);
    const head = error === chain[0] ? [] : [`  ${error.name}: ${error.message}`];
    if (shown.length > 0) return [...head, ...shown.map((frame) => `    ${frame}`)];
  }
  const last = chain.at(-1);
  return last === undefined || last === chain[0] ? [] : [`  ${last.name}: ${last.message}`];
}

function framesOf(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '));
}

function isUsersFrame(frame: string): boolean {
  if (frame.includes(EXAMPLES)) return true;
  return !frame.includes(ENGINE) && /\bfile:\/\//.test(frame);
}
