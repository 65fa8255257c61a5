/**
 * The text of generated row codecs.
 *
 * Invariants:
 * 1. The text holds nothing of the user's but field names, as JSON string literals.
 * 2. Every value takes at least one byte, so that a count of parts can be checked against the bytes
 *    that are left.
 */
import { objectLiteral, property } from './codec-generation.ts';
import { isInherited, RowShape } from './row-shape.ts';
import {
  type ArrayType,
  type MapType,
  type OptionalType,
  type RowType,
  structureOf,
  type TypeInformation,
} from './type-information.ts';

/** The fewest bytes of a value. */
export function bytesMin(type: TypeInformation<unknown>): number {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'long':
    case 'double':
    case 'timestamp':
      return 8;
    case 'row':
      return Math.max(
        1,
        structure.fields.reduce(
          (bytes, field) => bytes + (field.type.kind === 'optional' ? 0 : bytesMin(field.type)),
          nullBytes(structure),
        ),
      );
    default:
      return 1;
  }
}

function optionalFields(type: RowType): readonly number[] {
  return type.fields.flatMap((field, i) => (field.type.kind === 'optional' ? [i] : []));
}

function nullBytes(type: RowType): number {
  return Math.ceil(optionalFields(type).length / 8);
}

/**
 * Builds the body of `put(w, v)`: false where the value does not fit, with part of it written.
 * Numbers, booleans and null marks that follow each other share one check for room.
 */
export class WriteText {
  /** What the text refers to by name. */
  readonly constants: Record<string, unknown>;
  readonly #lines: string[] = [];
  #run: string[] = [];
  #runBytesMax = 0;
  #names = 0;

  constructor(constants: Record<string, unknown>) {
    this.constants = constants;
  }

  body(type: TypeInformation<unknown>): string {
    this.#value(type, 'value');
    this.#flush();
    return `let at, bytes, view;\n${this.#lines.join('\n')}\nreturn true;`;
  }

  #value(type: TypeInformation<unknown>, value: string): void {
    const structure = structureOf(type);
    switch (structure.kind) {
      case 'int':
        this.#refuse(`typeof ${value} !== 'number' || (${value} | 0) !== ${value}`);
        return this.#bounded(5, putInt(value));
      case 'long':
      case 'timestamp':
        this.#refuse(`!Number.isSafeInteger(${value})`);
        return this.#bounded(8, `view.setFloat64(at, ${value}, true); at += 8;`);
      case 'double':
        this.#refuse(`typeof ${value} !== 'number'`);
        return this.#bounded(8, `view.setFloat64(at, ${value}, true); at += 8;`);
      case 'boolean':
        this.#refuse(`typeof ${value} !== 'boolean'`);
        return this.#bounded(1, `bytes[at++] = ${value} ? 1 : 0;`);
      case 'string':
        return this.#call(`typeof ${value} !== 'string'`, `w.string(${value});`);
      case 'bytes':
        return this.#call(`!(${value} instanceof Uint8Array)`, `w.blob(${value});`);
      case 'bigint':
        return this.#call(`!putBigint(w, ${value})`);
      case 'generic':
        return this.#call(`!putGeneric(w, ${value})`);
      case 'nothing':
        return this.#call('true');
      case 'optional':
        return this.#optional(structure, value);
      case 'array':
        return this.#array(structure, value);
      case 'map':
        return this.#map(structure, value);
      case 'row':
        return this.#row(structure, value);
      default:
        return structure satisfies never;
    }
  }

  #optional(type: OptionalType, value: string): void {
    this.#bounded(1, `bytes[at++] = ${value} === null ? 1 : 0;`);
    this.#unlessNull(type, value);
  }

  #unlessNull(type: OptionalType, value: string): void {
    if (isBounded(type.type)) {
      this.#run.push(`if (${value} !== null) {`);
      this.#value(type.type, value);
      this.#run.push('}');
      return;
    }
    this.#flush();
    this.#lines.push(`if (${value} !== null) {`);
    this.#value(type.type, value);
    this.#flush();
    this.#lines.push('}');
  }

  #array(type: ArrayType, value: string): void {
    const index = this.#name('i');
    const count = this.#name('n');
    const element = this.#name('v');
    this.#call(`!Array.isArray(${value})`, `const ${count} = ${value}.length;`);
    this.#lines.push(
      `w.varint(${count});`,
      `for (let ${index} = 0; ${index} < ${count}; ${index}++) {`,
      `const ${element} = ${value}[${index}];`,
    );
    this.#value(type.element, element);
    this.#flush();
    this.#lines.push('}');
  }

  #map(type: MapType, value: string): void {
    const key = this.#name('v');
    const part = this.#name('v');
    this.#call(`!(${value} instanceof Map)`, `w.varint(${value}.size);`);
    this.#lines.push(`for (const [${key}, ${part}] of ${value}) {`);
    this.#value(type.key, key);
    this.#value(type.value, part);
    this.#flush();
    this.#lines.push('}');
  }

  #row(type: RowType, object: string): void {
    const shape = this.#name('shape');
    this.constants[shape] = new RowShape(type);
    this.#flush();
    this.#refuse(`typeof ${object} !== 'object' || ${object} === null`);
    const values = type.fields.map((field) => {
      const variable = this.#name('v');
      const read = property(object, field.name);
      const own = `Object.hasOwn(${object}, ${JSON.stringify(field.name)})`;
      const value = isInherited(field.name) ? `${own} ? ${read} : undefined` : read;
      this.#run.push(`let ${variable} = ${value};`);
      return variable;
    });
    this.#refuseOtherFields(type, object, shape);
    // Out of the run's block: later runs use the variables, too.
    this.#lines.push(...this.#run);
    this.#run = [];
    this.#nullMarks(type, values);
    type.fields.forEach((field, i) => {
      const structure = structureOf(field.type);
      if (structure.kind === 'optional') this.#unlessNull(structure, values[i] as string);
      else this.#value(field.type, values[i] as string);
    });
  }

  /**
   * Fields in the type's order are settled by comparing names, all else by the shape's own test.
   * Hot: the names of an object are interned, so it is a pointer each.
   */
  #refuseOtherFields(type: RowType, object: string, shape: string): void {
    if (type.fields.every((field) => field.type.kind === 'optional'))
      return this.#refuse(`!${shape}.isRow(${object})`);
    this.constants[`${shape}names`] = [...type.fields.map((field) => field.name), null];
    this.#run.push(
      `let ${shape}n = 0;`,
      `for (const name in ${object}) {`,
      `if (name !== ${shape}names[${shape}n++]) { ${shape}n = -1; break; }`,
      '}',
    );
    this.#refuse(`${shape}n !== ${type.fields.length} && !${shape}.isRow(${object})`);
  }

  #nullMarks(type: RowType, values: readonly string[]): void {
    const optional = optionalFields(type).map((i) => values[i] as string);
    for (const value of optional) this.#run.push(`if (${value} === undefined) ${value} = null;`);
    this.#lines.push(...this.#run);
    this.#run = [];
    for (let first = 0; first < optional.length; first += 8) {
      const marks = optional
        .slice(first, first + 8)
        .map((value, bit) => `(${value} === null ? ${1 << bit} : 0)`);
      this.#bounded(1, `bytes[at++] = ${marks.join(' | ')};`);
    }
    if (type.fields.length === 0) this.#bounded(1, 'bytes[at++] = 0;');
  }

  #refuse(condition: string): void {
    this.#run.push(`if (${condition}) return false;`);
  }

  #bounded(bytesOfValue: number, store: string): void {
    this.#run.push(store);
    this.#runBytesMax += bytesOfValue;
  }

  /** What a method of the writer writes. */
  #call(misfit: string, store = ''): void {
    this.#flush();
    this.#lines.push(`if (${misfit}) return false;`);
    if (store !== '') this.#lines.push(store);
  }

  #flush(): void {
    if (this.#runBytesMax > 0) {
      this.#lines.push(
        `w.ensure(${this.#runBytesMax}); bytes = w.bytes; view = w.view; at = w.length;`,
        ...this.#run,
        'w.length = at;',
      );
    } else {
      this.#lines.push(...this.#run);
    }
    this.#run = [];
    this.#runBytesMax = 0;
  }

  #name(letter: string): string {
    return `${letter}${this.#names++}`;
  }
}

/** Builds the body of `read(r)`. */
export class ReadText {
  readonly #lines: string[] = [];
  #names = 0;

  body(type: TypeInformation<unknown>): string {
    const value = this.#value(type);
    return `${this.#lines.join('\n')}\nreturn ${value};`;
  }

  /** An expression that must be used once, at once. */
  #value(type: TypeInformation<unknown>): string {
    const structure = structureOf(type);
    switch (structure.kind) {
      case 'optional':
        return this.#unless('r.byte() !== 0', structure.type);
      case 'array':
        return this.#array(structure);
      case 'map':
        return this.#map(structure);
      case 'row':
        return this.#row(structure);
      default:
        return scalarRead(structure.kind);
    }
  }

  #unless(isNull: string, type: TypeInformation<unknown>): string {
    const { kind } = type;
    if (kind !== 'row' && kind !== 'array' && kind !== 'map')
      return `${isNull} ? null : ${this.#value(type)}`;
    const variable = this.#name('x');
    this.#lines.push(`let ${variable} = null;`, `if (!(${isNull})) {`);
    this.#lines.push(`${variable} = ${this.#value(type)};`, '}');
    return variable;
  }

  #array(type: ArrayType): string {
    const values = this.#name('x');
    const index = this.#name('i');
    const least = bytesMin(type.element);
    this.#lines.push(
      `const ${values} = [];`,
      `for (let ${index} = r.count(${least}); ${index} > 0; ${index}--) {`,
    );
    const element = this.#value(type.element);
    this.#lines.push(`${values}.push(${element});`, '}');
    return values;
  }

  #map(type: MapType): string {
    const map = this.#name('x');
    const index = this.#name('i');
    const key = this.#name('x');
    const least = bytesMin(type.key) + bytesMin(type.value);
    this.#lines.push(
      `const ${map} = new Map();`,
      `for (let ${index} = r.count(${least}); ${index} > 0; ${index}--) {`,
    );
    const keyRead = this.#value(type.key);
    this.#lines.push(`const ${key} = ${keyRead};`);
    const part = this.#value(type.value);
    this.#lines.push(`${map}.set(${key}, ${part});`, '}');
    return map;
  }

  #row(type: RowType): string {
    if (type.fields.length === 0) return '(r.byte(), {})';
    const optional = optionalFields(type);
    const marks = this.#name('m');
    for (let i = 0; i < nullBytes(type); i++) this.#lines.push(`const ${marks}_${i} = r.byte();`);
    const values = type.fields.map((field, i) => {
      const structure = structureOf(field.type);
      const bit = optional.indexOf(i);
      const isNull = `(${marks}_${bit >> 3} & ${1 << (bit & 7)}) !== 0`;
      const value =
        structure.kind === 'optional'
          ? this.#unless(isNull, structure.type)
          : this.#value(field.type);
      const variable = this.#name('x');
      this.#lines.push(`const ${variable} = ${value};`);
      return variable;
    });
    return objectLiteral(
      type.fields.map((field) => field.name),
      values,
    );
  }

  #name(letter: string): string {
    return `${letter}${this.#names++}`;
  }
}

function isBounded(type: TypeInformation<unknown>): boolean {
  return ['int', 'long', 'double', 'timestamp', 'boolean'].includes(type.kind);
}

function putInt(value: string): string {
  const zigzag = `(((${value} << 1) ^ (${value} >> 31)) >>> 0)`;
  return `at = putVarint(bytes, at, ${zigzag});`;
}

function scalarRead(kind: string): string {
  switch (kind) {
    case 'int':
      return 'r.int()';
    case 'boolean':
      return '(r.byte() !== 0)';
    case 'string':
      return 'r.string()';
    case 'bytes':
      return 'r.blob()';
    case 'bigint':
      return 'readBigint(r)';
    case 'generic':
      return 'readGeneric(r)';
    case 'nothing':
      return 'readNothing()';
    default:
      return 'r.f64()';
  }
}
