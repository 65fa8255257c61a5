/**
 * Windows and the interval join against the tests of Flink and transcripts of Beam, as far as they
 * are there: `../shared/conformance/windows` beside the project.
 */
import test, { type ExecutionContext } from 'ava';
import {
  CountTrigger,
  OutputTag,
  type ProcessWindowFunction,
  PurgingTrigger,
  type TimeWindow,
  TumblingEventTimeWindows,
} from '../../src/index.ts';
import { seededRandom } from '../../src/base/seeded-random.ts';
import { OperatorAssignerContext } from '../../src/operators/window/generic/assigner-context.ts';
import { OperatorTestHarness } from '../../src/testing/index.ts';
import {
  type AssignerScenario,
  type BeamPane,
  type BeamScenario,
  type BufferCheck,
  type Expected,
  hasScenarios,
  type JoinScenario,
  type JoinStep,
  knownIds,
  readScenarios,
  time,
  type WindowScenario,
} from './scenarios.ts';
import { hasDefaultTrigger, operatorOf, type Pair, testedAssigner } from './window-operators.ts';

const windowScenarios = readScenarios<WindowScenario>('flink-window-operator.json');
const assignerScenarios = readScenarios<AssignerScenario>('flink-window-assigners.json');
const joinScenarios = readScenarios<JoinScenario>('flink-interval-join.json');
const beamScenarios = readScenarios<BeamScenario>('beam-trigger-transcripts.json');
const known = knownIds();
const applying = <S extends { readonly id: string }>(scenarios: readonly S[]): readonly S[] =>
  scenarios.filter(({ id }) => !known.has(id));

test('scenarios that do not apply are listed, and nothing else is', (t) => {
  t.true(known.size > 0);
  if (!hasScenarios) {
    t.log('no scenarios beside the project: nothing is replayed');
    return;
  }
  const all = [windowScenarios, assignerScenarios, joinScenarios, beamScenarios].flat();
  const ids = new Set(all.map(({ id }) => id));
  t.is(ids.size, all.length);
  for (const id of known) t.true(ids.has(id), `${id} is no scenario`);
  t.deepEqual(
    assignerScenarios.filter(isEmptyCase).map(({ id }) => id),
    [...known].filter((id) => id.startsWith('flink.')),
  );
  t.deepEqual(
    beamScenarios.filter(needsBundles).map(({ id }) => id),
    [...known].filter((id) => id.startsWith('beam.')),
  );
});

/** Nothing is expected of any timestamp. */
function isEmptyCase({ assigner, checks }: AssignerScenario): boolean {
  return assigner.argsMs.length === 0 && checks.every(({ windows }) => windows.length === 0);
}

/** A firing is expected behind more records than its trigger waits for. */
function needsBundles({ trigger }: BeamScenario): boolean {
  return trigger.type === 'afterWatermark';
}

for (const scenario of applying(windowScenarios)) {
  test(scenario.id, (t) => replayWindow(t, scenario, false));
  if (hasDefaultTrigger(scenario))
    test(`${scenario.id}, trigger left to the assigner`, (t) => replayWindow(t, scenario, true));
}

const LATE = new OutputTag<Pair>('late');

async function replayWindow(
  t: ExecutionContext,
  scenario: WindowScenario,
  isDefault: boolean,
): Promise<void> {
  const sideOutputs = scenario.operator.lateOutput === true ? [LATE] : [];
  const build = operatorOf(scenario, LATE, isDefault);
  const make = (): OperatorTestHarness<Pair, unknown> =>
    OperatorTestHarness.of<Pair, unknown>(build, { sideOutputs });
  let harness = make();
  const out: Expected[] = [];
  const late: Expected[] = [];
  const collect = (): void => {
    for (const element of harness.takeOutput()) {
      if (element.kind === 'record')
        out.push({ value: element.value, ts: element.timestamp as number });
      else if (element.kind === 'watermark') out.push({ watermark: element.watermark });
    }
    for (const tag of sideOutputs)
      for (const { value, timestamp } of harness.takeSideOutput(tag))
        late.push({ value, ts: timestamp as number });
  };
  t.plan(scenario.steps.filter(({ expect, expectLate }) => expect ?? expectLate).length);
  for (const [at, step] of scenario.steps.entries()) {
    if (step.element !== undefined) harness.pushElement(step.element, time(step.ts as number));
    if (step.watermark !== undefined) harness.pushWatermark(time(step.watermark));
    if (step.processingTime !== undefined) harness.setProcessingTime(step.processingTime);
    collect();
    if (step.restore === true) {
      const snapshot = await harness.snapshot();
      await harness.close();
      harness = make().restore(snapshot);
    }
    if (step.expect !== undefined)
      t.deepEqual(sorted(out.splice(0)), sorted(step.expect), `step ${at}`);
    if (step.expectLate !== undefined)
      t.deepEqual(sorted(late), sorted(step.expectLate), `late at step ${at}`);
  }
  await harness.close();
}

function sorted(elements: readonly Expected[]): readonly string[] {
  return elements
    .map((element) =>
      'watermark' in element
        ? `watermark ${time(element.watermark)}`
        : `${JSON.stringify(element.value)} at ${time(element.ts)}`,
    )
    .toSorted();
}

for (const scenario of applying(assignerScenarios)) {
  test(scenario.id, (t) => {
    const assigner = testedAssigner(scenario);
    let nowMs = 0;
    const context = new OperatorAssignerContext(seededRandom(1), {
      currentProcessingTime: () => nowMs,
      currentWatermark: () => Number.NEGATIVE_INFINITY,
    });
    t.true(scenario.checks.length > 0);
    for (const { ts, processingTime, windows } of scenario.checks) {
      nowMs = processingTime ?? 0;
      const assigned = assigner.assignWindows(['key', 1], ts ?? Number.NEGATIVE_INFINITY, context);
      const intervals = (assigned as readonly TimeWindow[]).map(({ start, end }) => [start, end]);
      t.deepEqual(
        intervals.toSorted((a, b) => (a[0] as number) - (b[0] as number)),
        windows,
        `of ${ts ?? processingTime}`,
      );
    }
  });
}

for (const scenario of applying(joinScenarios)) {
  test(scenario.id, (t) => replayJoin(t, scenario, scenario.steps));
  if (scenario.alsoWithSidesSwappedInTime === true) {
    test(`${scenario.id}, all of the right side first`, (t) =>
      replayJoin(t, scenario, rightFirst(scenario.steps)));
  }
}

function rightFirst(steps: readonly JoinStep[]): readonly JoinStep[] {
  const isOf = (side: 'left' | 'right') => (step: JoinStep) =>
    step[side] !== undefined || step[`${side}Watermark`] !== undefined;
  return [
    ...steps.filter(isOf('right')),
    ...steps.filter(isOf('left')),
    ...steps.filter((step) => !isOf('left')(step) && !isOf('right')(step)),
  ];
}

const LEFT_LATE = new OutputTag<number>('left late');
const RIGHT_LATE = new OutputTag<number>('right late');

async function replayJoin(
  t: ExecutionContext,
  { operator }: JoinScenario,
  steps: readonly JoinStep[],
): Promise<void> {
  const harness = OperatorTestHarness.ofTwoInputs<number, number, readonly [number, number]>(
    (left, right) => {
      const join = left
        .keyBy(() => 'key')
        .intervalJoin(right.keyBy(() => 'key'))
        .between(operator.lower, operator.upper)
        .sideOutputLeftLateData(LEFT_LATE)
        .sideOutputRightLateData(RIGHT_LATE);
      if (!operator.lowerInclusive) join.lowerBoundExclusive();
      if (!operator.upperInclusive) join.upperBoundExclusive();
      return join.process<readonly [number, number]>({
        processElement: (a, b, context, out) => {
          t.is(context.getTimestamp(), Math.max(a, b));
          out.collect([a, b]);
        },
      });
    },
    { sideOutputs: [LEFT_LATE, RIGHT_LATE] },
  );
  const values = (tag: OutputTag<number>): readonly number[] =>
    harness.sideOutput(tag).map(({ value }) => value);
  for (const step of steps) {
    if (step.left !== undefined) harness.pushElement(step.left, step.ts);
    if (step.right !== undefined) harness.pushElement2(step.right, step.ts);
    if (step.leftWatermark !== undefined) harness.pushWatermarkTo(0, step.leftWatermark);
    if (step.rightWatermark !== undefined) harness.pushWatermarkTo(1, step.rightWatermark);
    if (step.expect !== undefined)
      t.deepEqual(harness.values().toSorted(comparePairs), step.expect.toSorted(comparePairs));
    if (step.lateRecords !== undefined)
      t.deepEqual([...values(LEFT_LATE), ...values(RIGHT_LATE)], step.lateRecords);
    if (step.leftLate !== undefined) t.deepEqual(values(LEFT_LATE), step.leftLate);
    if (step.rightLate !== undefined) t.deepEqual(values(RIGHT_LATE), step.rightLate);
    const buffer = step.bufferContains ?? step.bufferEmpty;
    if (buffer !== undefined) t.deepEqual(bufferOf(harness, buffer), buffer.elements);
  }
  await harness.close();
}

function bufferOf(
  harness: { stateOf(name: string, key: unknown): unknown },
  { side }: BufferCheck,
): readonly unknown[] {
  const held = harness.stateOf(`${side}-buffer`, 'key') as
    | readonly { readonly value: unknown }[]
    | undefined;
  return (held ?? []).map(({ value }) => value);
}

function comparePairs(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}

for (const scenario of applying(beamScenarios)) {
  test(scenario.id, (t) => replayBeam(t, scenario));
}

async function replayBeam(t: ExecutionContext, scenario: BeamScenario): Promise<void> {
  const describe: ProcessWindowFunction<number, BeamPane, string, TimeWindow> = {
    process: (_key, { window }, elements, out) =>
      out.collect({ window: [window.start, window.end], values: [...elements] }),
  };
  const harness = OperatorTestHarness.of<number, BeamPane>((stream) => {
    const windowed = stream
      .keyBy(() => 'key')
      .window(TumblingEventTimeWindows.of(scenario.window.size as number))
      .allowedLateness(scenario.allowedLateness ?? 0);
    if (scenario.trigger.type === 'afterCount') {
      const counting = CountTrigger.of(scenario.trigger.count as number);
      windowed.trigger(
        scenario.accumulation === 'discarding' ? PurgingTrigger.of(counting) : counting,
      );
    }
    return windowed.process(describe);
  });
  for (const { input = [], watermark, expect } of scenario.steps) {
    for (const timestamp of input) harness.pushElement(timestamp, timestamp);
    if (watermark !== undefined) harness.pushWatermark(watermark);
    if (expect === undefined) continue;
    const panes = harness.takeOutput().filter((element) => element.kind === 'record');
    t.is(panes.length, expect.length);
    for (const [i, pane] of expect.entries()) {
      const found = panes[i];
      t.deepEqual(found?.value.window, pane.window);
      if (pane.values !== undefined) t.deepEqual(found?.value.values, pane.values);
      if (pane.timestamp !== undefined) t.is(found?.timestamp, pane.timestamp);
    }
  }
  await harness.close();
}
