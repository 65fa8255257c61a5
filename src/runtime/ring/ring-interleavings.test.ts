/**
 * A model check: the ring's and the doorbell's own code, run by two threads in every possible order
 * of its atomic steps.
 *
 * There is no second copy of the protocol that could differ from the first. The sources of
 * RingWriter, RingReader and Doorbell are read from their files, and each method is rewritten,
 * mechanically, to a generator that stops before and after every `Atomics` call. A scheduler then
 * decides which thread takes the next step, and tries all decisions: from each state that can be
 * reached every thread that can run is run. Two orders that lead to the same state (shared memory,
 * sleeping threads, fields and program position of both threads) are followed once, so the search
 * ends, and it ends with all of them seen.
 *
 * What is assumed: `Atomics` calls are sequentially consistent (ECMAScript says so), and plain
 * accesses between two of them may be taken as one step (true for programs without data races;
 * `ring-layout.ts` has the argument).
 *
 * What is checked: frames arrive complete, in order and once; no byte changes while its frame is
 * read; and there is no state in which a thread sleeps and nobody is left to wake it. Each mutant
 * at the end breaks the protocol in one place and must be caught, which shows that the search looks
 * where it matters.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import test from 'ava';
import { assert } from '../../base/assert.ts';
import { MillraceError } from '../../base/errors.ts';
import { Doorbell } from './doorbell.ts';
import { allocateRingAt, openRing } from './memory.ts';
import * as layout from './ring-layout.ts';

/** A method as a generator: it yields where another thread may go on. */
type Steps<T> = Generator<string, T, void>;

interface SteppedDoorbell {
  prepare(): Steps<void>;
  cancel(): Steps<void>;
  wait(timeoutMs: number): Steps<void>;
}

interface SteppedWriter {
  readonly memory: { readonly bytes: Uint8Array };
  tryReserve(byteLength: number): Steps<number>;
  commit(kind: number, byteLength: number): Steps<void>;
  publish(): Steps<void>;
  mark(mark: number): Steps<void>;
}

interface SteppedReader {
  readonly memory: { readonly bytes: Uint8Array };
  readonly kind: number;
  readonly offset: number;
  readonly byteLength: number;
  poll(): Steps<boolean>;
  release(): Steps<void>;
  isEmpty(): Steps<boolean>;
  readonly mark: number;
  readonly isAtMark: boolean;
  scan(mark: number, visit: (kind: number) => boolean): Steps<boolean>;
}

interface SteppedClasses {
  readonly Doorbell: new (shared: SharedArrayBuffer, index: number) => SteppedDoorbell;
  readonly RingWriter: new (shared: SharedArrayBuffer, doorbell: SteppedDoorbell) => SteppedWriter;
  readonly RingReader: new (shared: SharedArrayBuffer, doorbell: SteppedDoorbell) => SteppedReader;
}

/** One replacement in a source file, to break it. */
interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What the two threads do. */
interface Scenario {
  readonly capacityBytes: number;
  readonly firstPosition: number;
  /** Payload bytes of each frame. */
  readonly frameBytes: readonly number[];
  readonly framesPerPublish: number;
  readonly timeoutMs: number;
  /** Marks, each put when so many frames have been committed. */
  readonly marksBehind?: readonly number[];
  /** Whether the consumer looks ahead to every mark before each frame. */
  readonly looksAhead?: boolean;
  readonly mistake?: 'producer-no-recheck' | 'consumer-no-recheck' | 'early-release' | 'late-fill';
}

const TWO_FRAMES: Scenario = {
  capacityBytes: 32,
  firstPosition: 0,
  frameBytes: [8, 8, 8],
  framesPerPublish: 1,
  timeoutMs: Infinity,
};

const WITH_PADDING: Scenario = {
  ...TWO_FRAMES,
  capacityBytes: 64,
  frameBytes: [0, 8, 24, 23, 1, 17],
};

/** The first mark stands where padding begins, the second behind the last frame. */
const WITH_MARKS: Scenario = { ...WITH_PADDING, frameBytes: [0, 8, 24, 23], marksBehind: [3, 4] };

/** Frames are published two by two, so that a mark may stand behind one that is not visible yet. */
const MARKS_APART: Scenario = {
  ...WITH_MARKS,
  marksBehind: [1, 3],
  framesPerPublish: 2,
  looksAhead: true,
};

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'ring of 2 frames, 3 frames': TWO_FRAMES,
  'ring of 2 frames, 6 frames': { ...TWO_FRAMES, frameBytes: [8, 7, 1, 0, 8, 8] },
  'ring of 2 frames, 6 frames, 2 per publish': {
    ...TWO_FRAMES,
    frameBytes: [8, 7, 1, 0, 8, 8],
    framesPerPublish: 2,
  },
  'padding before the end, 6 frames': WITH_PADDING,
  'padding before the end, 6 frames, 3 per publish': { ...WITH_PADDING, framesPerPublish: 3 },
  'positions that pass 2^31': { ...WITH_PADDING, firstPosition: 2 ** 31 - 40 },
  'positions that pass 2^32': { ...WITH_PADDING, firstPosition: -40 },
  'marks before padding and at the end': WITH_MARKS,
  'a mark before padding, looked for ahead': {
    ...WITH_MARKS,
    marksBehind: [3],
    framesPerPublish: 2,
    looksAhead: true,
  },
  'two marks, one at once after the other': { ...TWO_FRAMES, marksBehind: [1, 1] },
  'waits that time out at any moment': { ...TWO_FRAMES, timeoutMs: 1 },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(`every interleaving delivers all frames and loses no wake-up: ${name}`, (t) => {
    const found = explore(scenario, steppedClasses());
    t.log(`${found.states} states, ${found.runs} runs, longest ${found.stepsMax} steps`);
    t.true(found.states > 500, 'the search went through the protocol');
    t.true(
      found.sleeps.every((count) => count > 0),
      'both threads slept in some run',
    );
  });
}

const LOST_WAKE_UP = /lost wake-up/;
const WRONG_BYTES = /overwritten|expected/;
const WRONG_MARK = /mark/;

const MISTAKES: readonly (readonly [NonNullable<Scenario['mistake']>, RegExp])[] = [
  ['producer-no-recheck', LOST_WAKE_UP],
  ['consumer-no-recheck', LOST_WAKE_UP],
  ['early-release', WRONG_BYTES],
  ['late-fill', WRONG_BYTES],
];

for (const [mistake, message] of MISTAKES) {
  test(`the search catches a user's mistake: ${mistake}`, (t) => {
    t.throws(() => explore({ ...TWO_FRAMES, mistake }, steppedClasses()), { message });
  });
}

const RING_DOORBELL = 'if (doorbell !== undefined) doorbell.ring();';
const STORE_HEAD = 'Atomics.store(this.#words, HEAD_WORD, this.#head);';
const WAIT = 'Atomics.wait(this.#words, this.#word, ASLEEP, timeoutMs);';

const MUTANTS: Readonly<Record<string, readonly [RegExp, ...Mutation[]]>> = {
  'the consumer is rung before head is stored': [
    LOST_WAKE_UP,
    { file: 'ring-writer.ts', from: STORE_HEAD, to: '' },
    { file: 'ring-writer.ts', from: RING_DOORBELL, to: `${RING_DOORBELL} ${STORE_HEAD}` },
  ],
  'the producer is not rung': [
    LOST_WAKE_UP,
    { file: 'ring-reader.ts', from: RING_DOORBELL, to: '' },
  ],
  'a ringer changes the word but does not notify': [
    LOST_WAKE_UP,
    { file: 'doorbell.ts', from: 'Atomics.notify(this.#words, this.#word);', to: '' },
  ],
  'a ringer notifies but does not change the word': [
    LOST_WAKE_UP,
    {
      file: 'doorbell.ts',
      from: 'Atomics.compareExchange(this.#words, this.#word, ASLEEP, AWAKE) === ASLEEP',
      to: 'true',
    },
  ],
  'wait marks the word again after the re-check': [
    LOST_WAKE_UP,
    {
      file: 'doorbell.ts',
      from: WAIT,
      to: `Atomics.store(this.#words, this.#word, ASLEEP);\n${WAIT}`,
    },
  ],
  'the writer takes bytes at both ends for contiguous': [
    WRONG_BYTES,
    {
      file: 'ring-writer.ts',
      from: 'Math.max(bytesToEnd, freeBytes - bytesToEnd)',
      to: 'freeBytes',
    },
  ],
  'head is stored before the header is written': [
    WRONG_BYTES,
    {
      file: 'ring-writer.ts',
      from: 'let recordOffset = this.#head & (this.#capacityBytes - 1);',
      to: `let recordOffset = this.#head & (this.#capacityBytes - 1);
    Atomics.store(this.#words, HEAD_WORD, (this.#head + recordBytesOf(byteLength)) | 0);`,
    },
  ],
  'tail is stored when the frame is polled': [
    WRONG_BYTES,
    {
      file: 'ring-reader.ts',
      from: 'this.#recordBytes = recordBytes;',
      to: `this.#recordBytes = recordBytes;
    Atomics.store(this.#words, TAIL_WORD, (this.#tail + recordBytes) | 0);`,
    },
  ],
  'a mark is stored before its position': [
    WRONG_MARK,
    {
      file: 'ring-writer.ts',
      from: 'Atomics.store(this.#words, MARK_WORD, MARK_CHANGES);',
      to: 'Atomics.store(this.#words, MARK_WORD, mark);',
    },
  ],
  'a mark is looked for before head is loaded': [
    WRONG_MARK,
    {
      file: 'ring-reader.ts',
      from: `this.#head = Atomics.load(this.#words, HEAD_WORD);
    this.#loadMark();`,
      to: `this.#loadMark();
    this.#head = Atomics.load(this.#words, HEAD_WORD);`,
    },
  ],
  'a mark and its position are loaded without a second look': [
    WRONG_MARK,
    {
      file: 'ring-reader.ts',
      from: 'if (Atomics.load(this.#words, MARK_WORD) !== mark) return this.#loadMark();',
      to: '',
    },
  ],
  'a mark stands behind what is published, not what is committed': [
    WRONG_MARK,
    {
      file: 'ring-writer.ts',
      from: 'MARK_POSITION_WORD, this.#head',
      to: 'MARK_POSITION_WORD, this.#published',
    },
  ],
  'looking ahead does not stop at the mark': [
    WRONG_MARK,
    {
      file: 'ring-reader.ts',
      from: 'if (this.#mark === mark && position === this.#markPosition) return true;',
      to: 'if (this.#mark === mark && position === this.#head) return true;',
    },
  ],
  'the reader takes padding for a frame': [
    WRONG_BYTES,
    { file: 'ring-reader.ts', from: '=== PADDING_KIND', to: '=== PADDING_KIND - 1' },
  ],
};

for (const [name, [message, ...mutations]] of Object.entries(MUTANTS)) {
  test(`the search catches a mutant: ${name}`, (t) => {
    const scenario = message === WRONG_MARK ? MARKS_APART : WITH_PADDING;
    t.throws(() => explore(scenario, steppedClasses(mutations)), { message });
  });
}

// The two threads

function* produce(run: Run, scenario: Scenario): Steps<void> {
  const { frameBytes, mistake, timeoutMs } = scenario;
  const { writer, producerDoorbell: doorbell } = run;
  let sent = 0;
  yield* putMarks(run, scenario, 0);
  while (sent < frameBytes.length) {
    run.mark(0, sent, writer);
    const byteLength = frameBytes[sent] as number;
    let offset = yield* writer.tryReserve(byteLength);
    if (offset < 0) {
      yield* writer.publish();
      yield* doorbell.prepare();
      if (mistake !== 'producer-no-recheck') offset = yield* writer.tryReserve(byteLength);
      if (offset < 0) {
        yield* doorbell.wait(timeoutMs);
        continue;
      }
      yield* doorbell.cancel();
    }
    if (mistake !== 'late-fill') writer.memory.bytes.fill(sent + 1, offset, offset + byteLength);
    yield 'filled';
    yield* writer.commit(sent, byteLength);
    sent++;
    yield* putMarks(run, scenario, sent);
    if (sent % scenario.framesPerPublish === 0) yield* writer.publish();
    if (mistake === 'late-fill') writer.memory.bytes.fill(sent, offset, offset + byteLength);
  }
  yield* writer.publish();
}

function* putMarks({ writer }: Run, { marksBehind = [] }: Scenario, sent: number): Steps<void> {
  for (const [index, behind] of marksBehind.entries()) {
    if (behind === sent) yield* writer.mark(index + 1);
  }
}

function* consume(run: Run, scenario: Scenario): Steps<void> {
  const { frameBytes, mistake, timeoutMs } = scenario;
  const { reader, consumerDoorbell: doorbell } = run;
  let received = 0;
  while (received < frameBytes.length) {
    run.mark(1, received, reader);
    const isThere = yield* reader.poll();
    checkMark(reader, scenario, { received, isThere });
    if (scenario.looksAhead === true) yield* checkScan(run, scenario, received);
    if (isThere) {
      checkFrame(reader, received, frameBytes[received] as number);
      if (mistake === 'early-release') yield* reader.release();
      yield 'reading';
      checkFrame(reader, received, frameBytes[received] as number);
      if (mistake !== 'early-release') yield* reader.release();
      received++;
      continue;
    }
    yield* doorbell.prepare();
    const sleepsBlindly = mistake === 'consumer-no-recheck';
    if (sleepsBlindly || (yield* reader.isEmpty())) yield* doorbell.wait(timeoutMs);
    else yield* doorbell.cancel();
  }
}

/** A mark is known before the first frame behind it is read, and stands where it was put. */
function checkMark(
  reader: SteppedReader,
  { marksBehind = [] }: Scenario,
  { received, isThere }: { readonly received: number; readonly isThere: boolean },
): void {
  const { mark, isAtMark } = reader;
  const passed = marksBehind.filter((behind) => behind <= received).length;
  assert(
    !isThere || mark >= passed,
    () => `frame ${received} is read, which lies behind mark ${passed}, but only ${mark} is known`,
  );
  const behind = mark === 0 ? -1 : marksBehind[mark - 1];
  assert(
    isAtMark === (behind === received),
    () => `mark ${mark} stands behind ${behind} frames: at ${received} it is ${isAtMark}`,
  );
}

/** Looking ahead finds the frames up to the mark in order, and nothing behind it. */
function* checkScan(run: Run, { marksBehind = [] }: Scenario, received: number): Steps<void> {
  for (const [index, behind] of marksBehind.entries()) {
    const kinds: number[] = [];
    const isThere = yield* run.reader.scan(index + 1, (kind) => kinds.push(kind) > 0);
    const inOrder = kinds.every((kind, at) => kind === received + at);
    assert(
      inOrder && (!isThere || received + kinds.length === behind),
      () => `from ${received} to mark ${index + 1} behind ${behind} it saw ${kinds.join()}`,
    );
  }
}

function checkFrame(reader: SteppedReader, index: number, byteLength: number): void {
  assert(
    reader.kind === index && reader.byteLength === byteLength,
    () =>
      `expected frame ${index} of ${byteLength} bytes, ` +
      `got ${reader.kind} of ${reader.byteLength}`,
  );
  const bytes = reader.memory.bytes.subarray(reader.offset, reader.offset + byteLength);
  assert(
    bytes.every((byte) => byte === index + 1),
    () => `frame ${index} was overwritten while unread: ${bytes.join(' ')}`,
  );
}

// The scheduler

const PRODUCER = 0;
const CONSUMER = 1;

/** One execution of a scenario, taken step by step. */
class Run {
  readonly writer: SteppedWriter;
  readonly reader: SteppedReader;
  readonly producerDoorbell: SteppedDoorbell;
  readonly consumerDoorbell: SteppedDoorbell;
  readonly sleeps: [number, number] = [0, 0];
  readonly #data: Int32Array;
  readonly #bells: Int32Array;
  readonly #threads: readonly [Steps<void>, Steps<void>];
  readonly #ended: [boolean, boolean] = [false, false];
  /** The word that a thread sleeps on; -1 if awake. */
  readonly #sleepsOn: [number, number] = [-1, -1];
  readonly #wakesAlone: [boolean, boolean] = [false, false];
  /** A thread's local state: what it was at its last mark, and what it has seen since. */
  readonly #seen: [string, string] = ['', ''];
  #running: 0 | 1 = PRODUCER;

  constructor(scenario: Scenario, classes: SteppedClasses) {
    const ring = allocateRingAt(scenario.capacityBytes, scenario.firstPosition);
    const bells = Doorbell.allocate(2);
    this.#data = new Int32Array(ring);
    this.#bells = new Int32Array(bells);
    this.producerDoorbell = new classes.Doorbell(bells, PRODUCER);
    this.consumerDoorbell = new classes.Doorbell(bells, CONSUMER);
    this.writer = new classes.RingWriter(ring, new classes.Doorbell(bells, CONSUMER));
    this.reader = new classes.RingReader(ring, new classes.Doorbell(bells, PRODUCER));
    this.#threads = [produce(this, scenario), consume(this, scenario)];
  }

  /**
   * A thread says what its own variables are, so that what it has seen before does not matter any
   * more.
   */
  mark(thread: 0 | 1, position: number, side: SteppedWriter | SteppedReader): void {
    this.#seen[thread] = `${position}:${fieldsOf(side)}`;
  }

  canStep(thread: 0 | 1): boolean {
    if (this.#ended[thread]) return false;
    return this.#sleepsOn[thread] === -1 || this.#wakesAlone[thread];
  }

  hasEnded(): boolean {
    return this.#ended[PRODUCER] && this.#ended[CONSUMER];
  }

  /** Runs a thread up to where another one may go on. */
  step(thread: 0 | 1): void {
    this.#running = thread;
    const { done, value } = this.#threads[thread].next();
    this.#seen[thread] += `,${done === true ? 'end' : value}`;
    if (done === true) this.#ended[thread] = true;
  }

  /** All that decides how this run can go on. */
  state(): string {
    const [data, bells] = [this.#data.join(), [this.#bells[0], this.#bells[32]].join()];
    const sides = `${fieldsOf(this.writer)}|${fieldsOf(this.reader)}`;
    return `${data}|${bells}|${this.#sleepsOn.join()}|${this.#seen.join('|')}|${sides}`;
  }

  *sleep(word: number, wakesAlone: boolean): Steps<string> {
    const thread = this.#running;
    this.#sleepsOn[thread] = word;
    this.#wakesAlone[thread] = wakesAlone;
    this.sleeps[thread]++;
    yield 'asleep';
    const isRung = this.#sleepsOn[thread] === -1;
    this.#sleepsOn[thread] = -1;
    return isRung ? 'ok' : 'timed-out';
  }

  wake(word: number): void {
    for (const thread of [PRODUCER, CONSUMER] as const) {
      if (this.#sleepsOn[thread] === word) this.#sleepsOn[thread] = -1;
    }
  }
}

let activeRun: Run | undefined;

/**
 * `Atomics` whose calls are steps. The names say in a failing run's schedule what each step was.
 */
const steppedAtomics = {
  *load(words: Int32Array, index: number): Steps<number> {
    yield `load ${index}`;
    const value = words[index] as number;
    yield `loaded ${value}`;
    return value;
  },
  *store(words: Int32Array, index: number, value: number): Steps<number> {
    yield `store ${index}`;
    words[index] = value;
    yield `stored ${value}`;
    return value;
  },
  *compareExchange(words: Int32Array, index: number, from: number, to: number): Steps<number> {
    yield `exchange ${index}`;
    const value = words[index] as number;
    if (value === from) words[index] = to;
    yield `exchanged ${value}`;
    return value;
  },
  *notify(_words: Int32Array, index: number): Steps<void> {
    yield `notify ${index}`;
    activeRun?.wake(index);
    yield 'notified';
  },
  *wait(words: Int32Array, index: number, value: number, timeoutMs: number): Steps<string> {
    yield `wait ${index}`;
    const isEqual = words[index] === value;
    if (!isEqual || activeRun === undefined) return 'not-equal';
    return yield* activeRun.sleep(index, timeoutMs !== Infinity);
  },
};

function fieldsOf(side: object): string {
  return Object.values(side)
    .filter((value) => typeof value === 'number')
    .join();
}

interface Found {
  readonly states: number;
  readonly runs: number;
  readonly stepsMax: number;
  readonly sleeps: readonly number[];
}

/**
 * Follows every decision of the scheduler until no new state is left; throws at the first bad one,
 * with its schedule.
 */
function explore(scenario: Scenario, classes: SteppedClasses): Found {
  const states = new Set<string>();
  const sleeps: [number, number] = [0, 0];
  const schedules: (0 | 1)[][] = [[]];
  let runs = 0;
  let stepsMax = 0;
  for (let schedule = schedules.pop(); schedule !== undefined; schedule = schedules.pop()) {
    const run = new Run(scenario, classes);
    try {
      activeRun = run;
      for (const thread of schedule) run.step(thread);
      follow(run, { schedule, states, schedules });
    } catch (error) {
      const names = schedule.map((thread) => 'PC'[thread]).join('');
      throw new Error(`${(error as Error).message} (schedule ${names})`, { cause: error });
    }
    runs++;
    stepsMax = Math.max(stepsMax, schedule.length);
    sleeps[PRODUCER] += run.sleeps[PRODUCER];
    sleeps[CONSUMER] += run.sleeps[CONSUMER];
  }
  return { states: states.size, runs, stepsMax, sleeps };
}

interface Search {
  /** The decisions of this run, extended in place. */
  readonly schedule: (0 | 1)[];
  readonly states: Set<string>;
  /** Decisions still to be tried. */
  readonly schedules: (0 | 1)[][];
}

/** Takes a run to its end or to a state that was seen before. */
function follow(run: Run, search: Search): void {
  while (!run.hasEnded()) {
    const state = run.state();
    if (search.states.has(state)) return;
    search.states.add(state);
    const canProduce = run.canStep(PRODUCER);
    const canConsume = run.canStep(CONSUMER);
    assert(canProduce || canConsume, 'lost wake-up: a thread sleeps and nobody is left to wake it');
    if (canProduce && canConsume) search.schedules.push([...search.schedule, CONSUMER]);
    const next = canProduce ? PRODUCER : CONSUMER;
    search.schedule.push(next);
    run.step(next);
  }
}

// The sources as generators

/** The three classes with every method a generator, from their files, changed by `mutations`. */
function steppedClasses(mutations: readonly Mutation[] = []): SteppedClasses {
  const files = ['doorbell.ts', 'ring-writer.ts', 'ring-reader.ts'];
  const code = files.map((file) => steppedSource(file, mutations)).join('\n');
  const scope = { ...layout, openRing, MillraceError, atomics: steppedAtomics };
  const names = Object.keys(scope);
  const classes = `${code}\nreturn { Doorbell, RingWriter, RingReader };`;
  const make = new Function(...names, `'use strict';{${classes}}`);
  return make(...Object.values(scope)) as SteppedClasses;
}

function steppedSource(file: string, mutations: readonly Mutation[]): string {
  let source = readFileSync(new URL(file, import.meta.url), 'utf8');
  for (const { from, to } of mutations.filter((mutation) => mutation.file === file)) {
    assert(source.split(from).length === 2, `${file} has "${from}" once`);
    source = source.replace(from, () => to);
  }
  const plain = stripTypeScriptTypes(source)
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/#(?=[a-z])/g, '_');
  let methods = 0;
  const stepped = plain.replaceAll(
    /^ {2}(?!constructor)(\w+)\((.*?)\)\s*\{\n([\s\S]*?)\n {2}\}$/gm,
    (_text, name: string, parameters: string, body: string) => {
      methods++;
      return `  *${name}(${parameters}) {\n${steppedBody(body)}\n  }`;
    },
  );
  assert(methods >= 4, `${file}: the methods were found`);
  return stepped;
}

/** Puts `(yield* …)` around each call of an atomic operation, an own method or a doorbell. */
function steppedBody(body: string): string {
  let rest = body;
  let result = '';
  for (;;) {
    const match = /Atomics\.\w+\(|this\._\w+\(|doorbell\.ring\(/.exec(rest);
    if (match === null) return result + rest;
    const end = closingParenthesis(rest, match.index + match[0].length);
    const call = rest.slice(match.index, end).replace('Atomics.', 'atomics.');
    const open = call.indexOf('(') + 1;
    const stepped = `${call.slice(0, open)}${steppedBody(call.slice(open))})`;
    result += `${rest.slice(0, match.index)}(yield* ${stepped})`;
    rest = rest.slice(end + 1);
  }
}

function closingParenthesis(text: string, start: number): number {
  let depth = 1;
  let index = start;
  for (; depth > 0; index++) {
    assert(index < text.length, 'every parenthesis is closed');
    if (text[index] === '(') depth++;
    if (text[index] === ')') depth--;
  }
  return index - 1;
}
