import test from 'ava';
import { simulatedClock, type SimulatedClock } from '../base/simulated-clock.ts';
import { allocateHeartbeats, HeartbeatReader, HeartbeatWriter } from '../metrics/heartbeats.ts';
import { type Stall, Watchdog } from './watchdog.ts';

const SECOND = 1000;

interface Setup {
  readonly clock: SimulatedClock;
  readonly workers: readonly HeartbeatWriter[];
  readonly watchdog: Watchdog;
  readonly stalls: Stall[];
}

function setup(timeoutMs = 60 * SECOND, workers = 2): Setup {
  const clock = simulatedClock(0);
  const buffer = allocateHeartbeats(workers);
  const stalls: Stall[] = [];
  const watchdog = new Watchdog({
    clock,
    heartbeats: new HeartbeatReader(buffer),
    timeoutMs,
    nameOf: (vertex, operator) =>
      operator === undefined ? `vertex ${vertex}` : `operator ${operator} of ${vertex}`,
    onStall: (stall) => stalls.push(stall),
  });
  watchdog.start();
  const writers = Array.from(
    { length: workers },
    (_, worker) => new HeartbeatWriter(buffer, worker),
  );
  return { clock, workers: writers, watchdog, stalls };
}

/** As a worker that takes a step a second. */
function steps({ clock, workers }: Setup, worker: number, seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    workers[worker]?.enter(0, worker);
    clock.advanceBy(500);
    workers[worker]?.leave();
    clock.advanceBy(500);
  }
}

test('an operator that holds its worker is named once at the timeout and once at twice the timeout', (t) => {
  const all = setup();
  const { clock, workers, stalls } = all;
  workers[1]?.enter(3, 7);
  clock.advanceBy(60 * SECOND);
  t.is(stalls.length, 0, 'it has not been seen for that long');
  clock.advanceBy(15 * SECOND);
  t.is(stalls.length, 1);
  t.like(stalls[0], {
    worker: 1,
    operator: 'vertex 3',
    subtask: 7,
    stalledMs: 60_000,
    isLost: false,
  });
  t.is(stalls[0]?.error.code, 'OPERATOR_STALLED');
  t.regex(
    stalls[0]?.error.message ?? '',
    /operator 'vertex 3' \(subtask 7\) has held worker 1 for/,
  );
  clock.advanceBy(45 * SECOND);
  t.is(stalls.length, 1);
  clock.advanceBy(15 * SECOND);
  t.is(stalls.length, 2);
  t.like(stalls[1], { stalledMs: 120_000, isLost: true });
  clock.advanceBy(3600 * SECOND);
  t.is(stalls.length, 2, 'then it is quiet');
});

test('a worker that moves, or sleeps for hours, is not named', (t) => {
  const all = setup();
  steps(all, 0, 600);
  all.clock.advanceBy(10 * 3600 * SECOND);
  t.deepEqual(all.stalls, []);
});

test('a stall that ends is forgotten, and the next one is told anew', (t) => {
  const all = setup();
  const { clock, workers, stalls } = all;
  for (let round = 1; round <= 3; round++) {
    workers[0]?.enter(0, 0);
    clock.advanceBy(75 * SECOND);
    t.is(stalls.length, round);
    workers[0]?.leave();
    clock.advanceBy(15 * SECOND);
  }
  t.true(stalls.every((stall) => !stall.isLost));
});

test('long steps below the timeout are not added up', (t) => {
  const { clock, workers, stalls } = setup();
  for (let round = 0; round < 20; round++) {
    workers[0]?.enter(0, 0);
    clock.advanceBy(50 * SECOND);
  }
  t.deepEqual(stalls, []);
});

test('the operator is named where the loop has told which one runs', (t) => {
  const { clock, workers, stalls } = setup(4 * SECOND);
  workers[0]?.enter(1, 0);
  workers[0]?.operator(2);
  clock.advanceBy(5 * SECOND);
  t.is(stalls[0]?.operator, 'operator 2 of 1');
  workers[0]?.enter(1, 0);
  clock.advanceBy(6 * SECOND);
  t.is(stalls[1]?.operator, 'vertex 1', 'the next step does not inherit it');
});

test('a host that was suspended does not take its own pause for a stall', (t) => {
  // Timers are late, as after SIGSTOP: the clock has gone on by an hour at the next look.
  let nowMs = 0;
  let fire = (): void => undefined;
  const clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer: (_delayMs: number, callback: () => void) => {
      fire = callback;
      return { cancel: () => undefined };
    },
  };
  const buffer = allocateHeartbeats(1);
  const stalls: Stall[] = [];
  const heartbeats = new HeartbeatReader(buffer);
  const watchdog = new Watchdog({
    clock,
    heartbeats,
    timeoutMs: 60 * SECOND,
    nameOf: String,
    onStall: (stall) => stalls.push(stall),
  });
  watchdog.start();
  new HeartbeatWriter(buffer, 0).enter(0, 0);
  nowMs += 15 * SECOND;
  fire();
  nowMs += 3600 * SECOND;
  fire();
  t.deepEqual(stalls, []);
});

test('stopped, also from the callback, it leaves no timer; a timeout of 0 never looks', (t) => {
  const { clock, watchdog, workers } = setup();
  workers[0]?.enter(0, 0);
  watchdog.stop();
  t.is(clock.pendingTimers, 0);
  t.is(setup(0).clock.pendingTimers, 0);
});

test('a replaced worker starts from nothing', (t) => {
  const { clock, watchdog, workers, stalls } = setup();
  workers[0]?.enter(0, 0);
  clock.advanceBy(74 * SECOND);
  watchdog.replaced(0);
  clock.advanceBy(60 * SECOND);
  t.is(stalls.length, 0);
});

test('counts of steps wrap around without a false stall', (t) => {
  const buffer = allocateHeartbeats(1);
  const ints = new Int32Array(buffer);
  const reader = new HeartbeatReader(buffer);
  ints[0] = 2_147_483_647;
  t.is(reader.read(0).steps, 2_147_483_647);
  new HeartbeatWriter(buffer, 0).enter(4, 2);
  t.deepEqual(reader.read(0), { steps: 1, vertex: 4, subtask: 2, operator: undefined });
});
