import test from 'ava';
import fc from 'fast-check';
import { WatermarkValve } from './watermark-valve.ts';

type Signal = number | 'idle' | 'active';

function valveOf(channels: number): { valve: WatermarkValve; out: Signal[] } {
  const out: Signal[] = [];
  const valve = new WatermarkValve(channels, {
    watermark: (watermark) => out.push(watermark),
    status: (idle) => out.push(idle ? 'idle' : 'active'),
  });
  return { valve, out };
}

test('the watermark is the least of all channels, and goes out only when it rises', (t) => {
  const { valve, out } = valveOf(2);
  valve.inputWatermark(0, 5);
  t.deepEqual(out, []);
  valve.inputWatermark(1, 3);
  valve.inputWatermark(1, 3);
  valve.inputWatermark(1, 2);
  valve.inputWatermark(1, 9);
  t.deepEqual(out, [3, 5]);
});

test('an idle channel does not hold the others back', (t) => {
  const { valve, out } = valveOf(2);
  valve.inputWatermark(0, 5);
  valve.inputStatus(1, true);
  valve.inputWatermark(0, 7);
  t.deepEqual(out, [5, 7]);
});

test('when all channels are idle the largest watermark goes out first', (t) => {
  const { valve, out } = valveOf(3);
  valve.inputWatermark(0, 5);
  valve.inputWatermark(1, 9);
  valve.inputWatermark(2, 1);
  for (const channel of [1, 0, 2]) valve.inputStatus(channel, true);
  t.deepEqual(out, [1, 9, 'idle']);
});

test('a channel that is active again counts once it has caught up', (t) => {
  const { valve, out } = valveOf(2);
  valve.inputWatermark(0, 5);
  valve.inputStatus(1, true);
  valve.inputWatermark(0, 20);
  valve.inputStatus(1, false);
  valve.inputWatermark(0, 30);
  t.deepEqual(out, [5, 20, 30], 'it lags, so it does not count');
  valve.inputWatermark(1, 31);
  valve.inputWatermark(0, 40);
  t.deepEqual(out, [5, 20, 30, 31], 'it has caught up and holds back again');
});

test('the first active channel ends the idle status', (t) => {
  const { valve, out } = valveOf(2);
  valve.inputStatus(0, true);
  valve.inputStatus(1, true);
  valve.inputStatus(1, false);
  valve.inputWatermark(1, 4);
  t.deepEqual(out, ['idle', 'active', 4]);
});

test('an ended channel neither holds back nor counts for the largest', (t) => {
  const { valve, out } = valveOf(3);
  valve.inputWatermark(0, 5);
  valve.inputWatermark(1, 6);
  valve.inputEnd(2);
  t.deepEqual(out, [5]);
  valve.inputStatus(0, true);
  valve.inputStatus(1, true);
  t.deepEqual(out, [5, 6, 'idle'], 'not MAX: two channels may go on');
});

test('when all have ended the last watermark goes out, also past idle channels', (t) => {
  const { valve, out } = valveOf(2);
  valve.inputStatus(0, true);
  valve.inputEnd(1);
  t.deepEqual(out, ['idle']);
  valve.inputEnd(0);
  t.deepEqual(out, ['idle', Infinity]);
});

test('a maximum watermark ends a channel', (t) => {
  const { valve, out } = valveOf(2);
  valve.inputWatermark(0, Infinity);
  valve.inputWatermark(1, 7);
  valve.inputEnd(1);
  t.deepEqual(out, [7, Infinity]);
});

type Event = { channel: number } & (
  | { kind: 'watermark'; watermark: number }
  | { kind: 'status'; idle: boolean }
  | { kind: 'end' }
);

const event = (channels: number): fc.Arbitrary<Event> => {
  const channel = fc.nat(channels - 1);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('watermark'), channel, watermark: fc.nat(50) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('status'), channel, idle: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('end'), channel }) },
  ) as fc.Arbitrary<Event>;
};

test('the valve does what the rules say, computed anew after each event', (t) => {
  const property = fc.property(
    fc.integer({ min: 1, max: 4 }).chain((n) => fc.tuple(fc.constant(n), fc.array(event(n)))),
    ([channels, events]) => {
      const { valve, out } = valveOf(channels);
      const naive = new NaiveValve(channels);
      for (const each of events) {
        apply(valve, each);
        naive.apply(each);
      }
      t.deepEqual(out, naive.out);
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

function apply(valve: WatermarkValve, each: Event): void {
  if (each.kind === 'watermark') valve.inputWatermark(each.channel, each.watermark);
  else if (each.kind === 'status') valve.inputStatus(each.channel, each.idle);
  else valve.inputEnd(each.channel);
}

/** The rules of the valve's head, in sets, without any shortcut. */
class NaiveValve {
  readonly out: Signal[] = [];
  readonly #watermarks: number[];
  readonly #idle = new Set<number>();
  readonly #lagging = new Set<number>();
  readonly #ended = new Set<number>();
  #last = -Infinity;
  #isIdle = false;

  constructor(channels: number) {
    this.#watermarks = new Array<number>(channels).fill(-Infinity);
  }

  apply(each: Event): void {
    const { channel } = each;
    if (this.#ended.has(channel)) return;
    if (each.kind === 'watermark') {
      this.#watermarks[channel] = Math.max(this.#watermarks[channel] ?? 0, each.watermark);
    } else if (each.kind === 'end') {
      this.#ended.add(channel);
    } else if (each.idle) {
      this.#idle.add(channel);
      this.#lagging.add(channel);
    } else if (this.#idle.delete(channel) && this.#isIdle) {
      this.#isIdle = false;
      this.out.push('active');
    }
    for (const index of this.#lagging) {
      if (!this.#idle.has(index) && (this.#watermarks[index] ?? 0) >= this.#last) {
        this.#lagging.delete(index);
      }
    }
    this.#advance();
  }

  #advance(): void {
    const all = this.#watermarks.map((watermark, index) => ({ watermark, index }));
    const open = all.filter(({ index }) => !this.#ended.has(index));
    if (open.length === 0) return this.#emit(Infinity);
    if (open.every(({ index }) => this.#idle.has(index))) {
      if (this.#isIdle) return;
      this.#emit(Math.max(...open.map(({ watermark }) => watermark)));
      this.#isIdle = true;
      this.out.push('idle');
      return;
    }
    const counted = open.filter(({ index }) => !this.#idle.has(index) && !this.#lagging.has(index));
    if (counted.length > 0) this.#emit(Math.min(...counted.map(({ watermark }) => watermark)));
  }

  #emit(watermark: number): void {
    if (watermark <= this.#last) return;
    this.#last = watermark;
    this.out.push(watermark);
  }
}
