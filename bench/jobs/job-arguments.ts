/** The arguments of a bench job: texts of the form `name=value`. */

/** Reads {@link JobMain} arguments by name. */
export class JobArguments {
  readonly #values: ReadonlyMap<string, string>;

  constructor(args: readonly string[]) {
    this.#values = new Map(args.map((arg) => splitOnce(arg)));
  }

  /** The number under that name, or the one given. */
  number(name: string, otherwise: number): number {
    const text = this.#values.get(name);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (Number.isFinite(value) && text !== '') return value;
    throw new RangeError(`argument ${name} is '${text}': give a number`);
  }

  /** The text under that name, or the one given. */
  text(name: string, otherwise: string): string {
    return this.#values.get(name) ?? otherwise;
  }

  /** Whether the argument is `yes`. */
  isSet(name: string): boolean {
    return this.#values.get(name) === 'yes';
  }
}

function splitOnce(arg: string): readonly [string, string] {
  const at = arg.indexOf('=');
  if (at > 0) return [arg.slice(0, at), arg.slice(at + 1)];
  throw new RangeError(`argument '${arg}': give name=value`);
}
