/**
 * The text of generated frame writers: checks first, then the columns that can be taken back, then
 * plain stores.
 *
 * Invariant: the text holds nothing of the user's but field names, as JSON string literals.
 */
import { property } from './codec-generation.ts';
import { APPENDED, FRAME_TARGET_BYTES, FULL, MISFIT } from './frame-layout.ts';
import type { FrameSchema } from './frame-schema.ts';
import { isInherited, RowShape } from './row-shape.ts';
import { type RowType, structureOf, type TypeInformation } from './type-information.ts';

/** What a writer class is generated from. */
export interface WriterPlan {
  readonly schema: FrameSchema;
  /** After how many rows a frame is full. */
  readonly capacity: number;
  /** Bytes per row that are there whatever the value. */
  readonly rowBytes: number;
  /** Receives what the text refers to by name. */
  readonly constants: Record<string, unknown>;
}

/**
 * The body of a function that returns a writer class; it needs the plan's constants, FrameStaging
 * among them.
 */
export function writerClassText(plan: WriterPlan): string {
  return new WriterText(plan).classText();
}

/**
 * Builds the text. Variables are numbered; `c3` is column 3, `v3` its value, `n3` its null mark.
 */
class WriterText {
  readonly #plan: WriterPlan;
  readonly #others: number[] = [];
  readonly #fields: string[] = [];
  readonly #checks: string[] = [];
  readonly #appends: string[] = [];
  readonly #stores: string[] = [];
  readonly #settles: string[] = [];
  readonly #sizes: string[] = [];
  #columnCount = 0;
  #shapeCount = 0;

  constructor(plan: WriterPlan) {
    this.#plan = plan;
  }

  classText(): string {
    const { schema, capacity, rowBytes } = this.#plan;
    this.#field(schema.type, 'value');
    const size = [`row * ${rowBytes}`, ...this.#sizes].join(' + ');
    const isWide = this.#sizes.length > 0 ? ` || ${size} >= ${FRAME_TARGET_BYTES - rowBytes}` : '';
    return `return class FrameWriter extends FrameStaging {
  constructor(schema, columns) {
    super(schema, columns, capacity);
${this.#fields.map((line) => `    ${line}`).join('\n')}
  }
  append(value, timestamp, hash) {
    const row = this.rowCount;
    if (row === ${capacity}) overrun();
${[...this.#checks, ...this.#appends, ...this.#stores].map((line) => `    ${line}`).join('\n')}
    this.timestamps[row] = timestamp;
${schema.keyed ? '    this.hashes[row] = hash;\n' : ''}    this.rowCount = row + 1;
    return row === ${capacity - 1}${isWide} ? ${FULL} : ${APPENDED};
  }
  settle() {
    const rows = this.rowCount;
${this.#settles.map((line) => `    ${line}`).join('\n')}
  }
};`;
  }

  #row(type: RowType, object: string): void {
    const shape = `shape${this.#shapeCount++}`;
    this.#plan.constants[shape] = new RowShape(type);
    this.#checks.push(`if (typeof ${object} !== 'object' || ${object} === null) return ${MISFIT};`);
    const missing: string[] = [];
    const values = type.fields.map((field, i) => {
      const variable = `${shape}f${i}`;
      const own = isInherited(field.name)
        ? `Object.hasOwn(${object}, ${JSON.stringify(field.name)})`
        : '';
      const read = property(object, field.name);
      this.#checks.push(`let ${variable} = ${own === '' ? read : `${own} ? ${read} : undefined`};`);
      if (field.type.kind === 'optional') missing.push(variable);
      return variable;
    });
    this.#refuseOtherFields(type, object, shape);
    for (const variable of missing)
      this.#checks.push(`if (${variable} === undefined) ${variable} = null;`);
    type.fields.forEach((field, i) => this.#field(field.type, values[i] as string));
  }

  /**
   * Emits the test for fields that the type lacks: by their names in order, else the shape's own.
   */
  #refuseOtherFields(type: RowType, object: string, shape: string): void {
    if (type.fields.every((field) => field.type.kind === 'optional')) {
      this.#checks.push(`if (!${shape}.isRow(${object})) return ${MISFIT};`);
      return;
    }
    if (this.#plan.schema.hasExactRows === true) return;
    // Hot: fields in the type's order are settled by comparing names, which are interned: a pointer each.
    const names = `${shape}names`;
    this.#plan.constants[names] = [...type.fields.map((field) => field.name), null];
    this.#checks.push(
      `let ${shape}n = 0;`,
      `for (const name in ${object}) {`,
      `if (name !== ${names}[${shape}n++]) { ${shape}n = -1; break; }`,
      '}',
      `if (${shape}n !== ${type.fields.length} && !${shape}.isRow(${object})) return ${MISFIT};`,
    );
  }

  #field(type: TypeInformation<unknown>, value: string): void {
    const structure = structureOf(type);
    if (structure.kind === 'row' && structure.fields.length > 0) this.#row(structure, value);
    else this.#column(type, value);
  }

  #column(type: TypeInformation<unknown>, value: string): void {
    const structure = structureOf(type);
    const isOptional = structure.kind === 'optional';
    const plain = structureOf(isOptional ? structure.type : type).kind;
    const index = this.#columnCount++;
    const column = `c${index}`;
    const misfit = plainMisfit(plain, value);
    if (misfit === undefined) return this.#other(column, index, value);
    const inner = isOptional ? `columns[${index}].child` : `columns[${index}]`;
    this.#checks.push(
      `if (${isOptional ? `${value} !== null && ` : ''}(${misfit})) return ${MISFIT};`,
    );
    if (isOptional) {
      this.#fields.push(
        `this.nulls${index} = columns[${index}].nulls;`,
        `this.n${index} = this.nulls${index}.values;`,
      );
      this.#stores.push(`this.n${index}[row] = ${value} === null ? 1 : 0;`);
      this.#settles.push(`this.nulls${index}.count = rows;`);
      const empty = plain === 'string' ? "''" : plain === 'boolean' ? 'false' : '0';
      this.#stores.push(`if (${value} === null) ${value} = ${empty};`);
    }
    this.#fields.push(`this.${column} = ${inner};`);
    this.#settles.push(`this.${column}.count = rows;`);
    if (plain === 'string') this.#storeString(column, index, value);
    else {
      this.#fields.push(`this.v${index} = this.${column}.values;`);
      this.#stores.push(
        `this.v${index}[row] = ${plain === 'boolean' ? `${value} ? 1 : 0` : value};`,
      );
    }
  }

  #storeString(column: string, index: number, value: string): void {
    this.#fields.push(
      `this.v${index} = this.${column}.strings;`,
      `this.o${index} = this.${column}.offsets;`,
    );
    this.#stores.push(
      `this.v${index}.push(${value});`,
      `this.o${index}[row + 1] = this.${column}.units += ${value}.length;`,
    );
    this.#sizes.push(`this.${column}.units`);
  }

  #other(column: string, index: number, value: string): void {
    const undo = this.#appends.length === 0 ? '' : this.#undoText(index);
    this.#fields.push(`this.${column} = columns[${index}];`);
    // An append that threw in user code (a getter) may have left entries behind.
    this.#appends.push(`if (this.${column}.count !== row) this.${column}.truncate(row);`);
    this.#appends.push(`if (!this.${column}.append(${value})) { ${undo}return ${MISFIT}; }`);
    this.#sizes.push(`this.${column}.stagedBytes()`);
    this.#others.push(index);
  }

  #undoText(index: number): string {
    return this.#others
      .filter((other) => other !== index)
      .map((other) => `this.c${other}.truncate(row); `)
      .join('');
  }
}

/** The condition under which a value does not fit a plain kind; undefined for other kinds. */
function plainMisfit(kind: string, value: string): string | undefined {
  switch (kind) {
    case 'int':
      return `typeof ${value} !== 'number' || (${value} | 0) !== ${value}`;
    case 'long':
    case 'timestamp':
      return `!Number.isSafeInteger(${value})`;
    case 'double':
      return `typeof ${value} !== 'number'`;
    case 'boolean':
      return `typeof ${value} !== 'boolean'`;
    case 'string':
      return `typeof ${value} !== 'string'`;
    default:
      return undefined;
  }
}
