import test from 'ava';
import fc from 'fast-check';
import { hasErrorCode } from '../../base/errors.ts';
import { hashKey } from '../../base/hash.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { heapBackend } from '../heap/heap-backend.ts';
import type { IndexRange } from '../key-groups.ts';
import { keyGroupFor } from '../key-groups.ts';
import type { KeyedStateBackend } from '../keyed-state-backend.ts';
import type { KeyedStateHandle } from '../snapshot.ts';
import { MemorySnapshots } from '../testing/memory-snapshots.ts';
import { InternalTimerService } from './internal-timer-service.ts';

const MAX_PARALLELISM = 128;
const ALL_GROUPS: IndexRange = { first: 0, last: MAX_PARALLELISM - 1 };

/** A timer service with its backend; fired timers are written down as `key@time`. */
class Timers {
  readonly environment = simulatedEnvironment({ seed: 1, startMs: 0 });
  readonly backend: KeyedStateBackend;
  readonly service: InternalTimerService;
  readonly fired: string[] = [];
  wakeUpMs = Number.POSITIVE_INFINITY;
  onFired: ((time: number) => void) | undefined;
  currentKey: unknown = undefined;
  currentKeyHash = 0;
  readonly files: MemorySnapshots;

  constructor(
    options: {
      restored?: { files: MemorySnapshots; handles: readonly KeyedStateHandle[] };
      keyGroups?: IndexRange;
      hasNamespaces?: boolean;
    } = {},
  ) {
    this.files = options.restored?.files ?? new MemorySnapshots();
    this.backend = heapBackend({
      maxParallelism: MAX_PARALLELISM,
      keyGroups: options.keyGroups ?? ALL_GROUPS,
      operatorName: 'timers',
      environment: this.environment,
      memoryBytes: 1e9,
    });
    if (options.restored !== undefined) {
      this.backend.restore(options.restored.handles, options.restored.files);
    }
    const fire = (domain: string) => (time: number, namespace: unknown) => {
      const suffix = namespace === undefined ? '' : `/${String(namespace)}`;
      this.fired.push(`${String(this.currentKey)}${domain}${time}${suffix}`);
      this.onFired?.(time);
    };
    this.service = new InternalTimerService({
      backend: this.backend,
      operatorName: 'timers',
      keyContext: this,
      target: { onEventTime: fire('@'), onProcessingTime: fire('#') },
      wakeAt: (epochMs) => {
        this.wakeUpMs = Math.min(this.wakeUpMs, epochMs);
      },
      clock: this.environment.clock,
      hasNamespaces: options.hasNamespaces,
    });
  }

  setCurrentKey(key: unknown, hash: number): void {
    this.currentKey = key;
    this.currentKeyHash = hash;
  }

  at(key: unknown): InternalTimerService {
    this.setCurrentKey(key, hashKey(key));
    return this.service;
  }

  advance(watermark: number): number {
    let slices = 1;
    while (!this.service.advanceWatermark(watermark)) slices++;
    return slices;
  }

  taken(): string[] {
    return this.fired.splice(0);
  }

  async snapshot(): Promise<KeyedStateHandle> {
    const work = this.backend.snapshot({ checkpointId: 1, kind: 'full', output: this.files });
    while (!work.step(100));
    return await work.finish();
  }
}

test('event timers fire when the watermark has reached them, in the order of their times', (t) => {
  const timers = new Timers();
  timers.at('b').registerEventTimeTimer(20);
  timers.at('a').registerEventTimeTimer(10);
  timers.at('a').registerEventTimeTimer(30);
  timers.advance(9);
  t.deepEqual(timers.taken(), []);
  timers.advance(20);
  t.deepEqual(timers.taken(), ['a@10', 'b@20']);
  timers.advance(Number.POSITIVE_INFINITY);
  t.deepEqual(timers.taken(), ['a@30']);
  t.is(timers.service.size, 0);
});

test('a timer is unique per key and time, and per domain; deleting one that is not there changes nothing', (t) => {
  const timers = new Timers();
  timers.at('a').registerEventTimeTimer(10);
  timers.at('a').registerEventTimeTimer(10);
  timers.at('b').registerEventTimeTimer(10);
  timers.at('a').registerProcessingTimeTimer(10);
  timers.at('a').deleteEventTimeTimer(11);
  timers.at('c').deleteEventTimeTimer(10);
  t.is(timers.service.size, 3);
  timers.at('b').deleteEventTimeTimer(10);
  timers.advance(10);
  t.deepEqual(timers.taken(), ['a@10']);
});

test('a timer that is set when its time has passed fires at the next advance', (t) => {
  const timers = new Timers();
  timers.advance(100);
  timers.at('a').registerEventTimeTimer(5);
  t.deepEqual(timers.taken(), []);
  timers.advance(101);
  t.deepEqual(timers.taken(), ['a@5']);
});

test('timers that are set while others fire, and are due, fire in the same pass', (t) => {
  const timers = new Timers();
  timers.onFired = (time) => {
    if (time < 50) timers.service.registerEventTimeTimer(time + 20);
  };
  timers.at('a').registerEventTimeTimer(10);
  timers.at('b').registerEventTimeTimer(25);
  timers.advance(55);
  t.deepEqual(timers.taken(), ['a@10', 'b@25', 'a@30', 'b@45', 'a@50']);
  timers.advance(65);
  t.deepEqual(timers.taken(), ['b@65']);
});

test('processing timers fire by the clock and ask for the next call', (t) => {
  const timers = new Timers();
  timers.at('a').registerProcessingTimeTimer(30);
  t.is(timers.wakeUpMs, 30);
  timers.at('b').registerProcessingTimeTimer(10);
  t.is(timers.wakeUpMs, 10);
  timers.wakeUpMs = Number.POSITIVE_INFINITY;
  t.true(timers.service.advanceProcessingTime(10));
  t.deepEqual(timers.taken(), ['b#10']);
  t.is(timers.wakeUpMs, 30);
});

test('many timers fire in slices; a snapshot between two of them has the rest', async (t) => {
  const timers = new Timers();
  for (let key = 0; key < 2500; key++) timers.at(key).registerEventTimeTimer(key);
  t.false(timers.service.advanceWatermark(9999));
  const before = timers.taken();
  const handle = await timers.snapshot();
  timers.advance(9999);
  const after = timers.taken();
  t.is(before.length + after.length, 2500);

  const restored = new Timers({ restored: { files: timers.files, handles: [handle] } });
  t.is(restored.service.size, after.length);
  t.is(restored.advance(9999), 2);
  t.deepEqual(restored.taken(), after);
});

test('a slice ends after some ms, whatever the timers do', (t) => {
  const timers = new Timers();
  timers.onFired = () => timers.environment.clock.advanceTo(timers.environment.clock.now() + 1);
  for (let key = 0; key < 320; key++) timers.at(key).registerEventTimeTimer(key);
  t.is(timers.advance(9999), 10);
  t.is(timers.taken().length, 320);
});

test('restored processing timers ask to fire at once if they are past due', async (t) => {
  const timers = new Timers();
  timers.at('a').registerProcessingTimeTimer(30);
  timers.at('a').registerEventTimeTimer(40);
  const handle = await timers.snapshot();
  const restored = new Timers({ restored: { files: timers.files, handles: [handle] } });
  t.is(restored.wakeUpMs, 30);
  restored.service.advanceProcessingTime(1_000);
  restored.advance(40);
  t.deepEqual(restored.taken(), ['a#30', 'a@40']);
});

test('timers go with their keys when state is spread anew', async (t) => {
  const timers = new Timers();
  const expected: string[] = [];
  for (let key = 0; key < 200; key++) {
    for (let time = 0; time < 1 + (key % 3); time++) {
      timers.at(`k${key}`).registerEventTimeTimer(time);
      expected.push(`k${key}@${time}`);
    }
  }
  const restored = { files: timers.files, handles: [await timers.snapshot()] };
  const halves = [
    { first: 0, last: 63 },
    { first: 64, last: 127 },
  ];
  const fired = halves.flatMap((keyGroups) => {
    const part = new Timers({ restored, keyGroups });
    part.advance(9);
    for (const each of part.fired) {
      const group = keyGroupFor(hashKey(each.split('@')[0]), MAX_PARALLELISM);
      t.true(group >= keyGroups.first && group <= keyGroups.last);
    }
    return part.taken();
  });
  t.deepEqual(fired.toSorted(), expected.toSorted());
});

test('namespaces tell timers of one key and time apart', (t) => {
  const timers = new Timers({ hasNamespaces: true });
  timers.at('a').registerEventTimeTimer(10, 'w1');
  timers.at('a').registerEventTimeTimer(10, 'w2');
  timers.at('a').registerEventTimeTimer(10, 'w1');
  timers.at('a').deleteEventTimeTimer(10, 'w3');
  t.is(timers.service.size, 2);
  timers.at('a').deleteEventTimeTimer(10, 'w2');
  timers.advance(10);
  t.deepEqual(timers.taken(), ['a@10/w1']);
});

test('a key with very many timers fires them in order, each once', (t) => {
  const timers = new Timers();
  for (let time = 0; time < 200_000; time++) {
    timers.at('hot').registerEventTimeTimer((time * 7919) % 200_003);
  }
  timers.at('hot').registerEventTimeTimer(7919);
  timers.at('hot').deleteEventTimeTimer(0);
  timers.at('hot').deleteEventTimeTimer(0);
  t.is(timers.service.size, 199_999);
  timers.advance(Number.POSITIVE_INFINITY);
  const times = timers.taken().map((each) => Number(each.split('@')[1]));
  t.is(times.length, 199_999);
  t.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('no time is refused, with the operator and the value', (t) => {
  const timers = new Timers();
  const error = t.throws(() => timers.at('a').registerEventTimeTimer(Number.NaN));
  t.true(hasErrorCode(error, 'ILLEGAL_ARGUMENT'));
  t.regex(error?.message ?? '', /'timers' sets a timer at NaN: give a time in epoch milliseconds/);
});

test('random programs of timers equal the obvious list, also across snapshots', async (t) => {
  const step = fc.record({
    kind: fc.constantFrom('set', 'set', 'set', 'delete', 'advance', 'restart'),
    key: fc.integer({ min: 0, max: 3 }),
    time: fc.nat(60),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
      let timers = new Timers();
      const list = new Map<string, { key: number; time: number }>();
      let watermark = 0;
      for (const { kind, key, time } of steps) {
        if (kind === 'set') {
          timers.at(key).registerEventTimeTimer(time);
          list.set(`${key}@${time}`, { key, time });
        } else if (kind === 'delete') {
          timers.at(key).deleteEventTimeTimer(time);
          list.delete(`${key}@${time}`);
        } else if (kind === 'restart') {
          const handles = [await timers.snapshot()];
          timers = new Timers({ restored: { files: timers.files, handles } });
        } else {
          watermark = Math.max(watermark, time);
          timers.advance(watermark);
          const due = [...list].filter(([, timer]) => timer.time <= watermark);
          for (const [name] of due) list.delete(name);
          const fired = timers.taken();
          const times = fired.map((name) => Number(name.split('@')[1]));
          t.deepEqual(fired.toSorted(), due.map(([name]) => name).toSorted());
          t.deepEqual(
            times,
            times.toSorted((a, b) => a - b),
          );
        }
      }
      t.is(timers.service.size, list.size);
    }),
    { numRuns: 60 },
  );
});
