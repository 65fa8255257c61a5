import test from 'ava';
import fc from 'fast-check';
import { hashRange, keyGroupRange } from '../state/key-groups.ts';
import type { KeyedStateHandle } from '../state/snapshot.ts';
import type { CheckpointManifest, ManifestOperator, ManifestSubtask } from './manifest.ts';
import { planRestore, type RestoreOperator } from './restore-plan.ts';
import type { OperatorSubtaskState } from './subtask-state.ts';

const MAX = 128;

test('with the same parallelism everything stays in place', (t) => {
  const manifest = manifestOf(3);
  const plan = planRestore({ manifest, operators: [operatorOf(3)], allowNonRestoredState: false });
  for (const subtask of [0, 1, 2]) {
    const assigned = plan.assigned('op', subtask);
    t.deepEqual(assigned?.keyed, [handleOf(subtask, 3)]);
    t.deepEqual(assigned?.stages, [{ version: 1, data: subtask }]);
    t.deepEqual(assigned?.splits, [`s${subtask}a`, `s${subtask}b`]);
    t.deepEqual(elementsOf(assigned, 'split'), [subtask * 10, subtask * 10 + 1, subtask * 10 + 2]);
    t.deepEqual(elementsOf(assigned, 'union'), ['u0', 'u1', 'u2']);
    t.deepEqual(elementsOf(assigned, 'broadcast'), [['k', subtask]]);
    t.false(assigned?.isFinished);
  }
  t.deepEqual(plan.enumerator('op'), { next: 1n });
  t.deepEqual([plan.unmatched, plan.fresh, plan.channels], [[], [], []]);
});

test('from any parallelism to any other nothing is lost, doubled or out of order', (t) => {
  const parallelism = fc.constantFrom(1, 2, 3, 4, 7, 8, 16, 64);
  fc.assert(
    fc.property(parallelism, parallelism, (before, after) => {
      const manifest = manifestOf(before);
      const plan = planRestore({
        manifest,
        operators: [operatorOf(after)],
        allowNonRestoredState: false,
      });
      const all = Array.from({ length: after }, (_, subtask) => plan.assigned('op', subtask));
      const old = Array.from({ length: before }, (_, subtask) => subtask);
      t.deepEqual(
        all.flatMap((each) => each?.stages ?? []).map(({ data }) => data),
        old,
      );
      t.deepEqual(
        all.flatMap((each) => each?.splits ?? []),
        old.flatMap((subtask) => [`s${subtask}a`, `s${subtask}b`]),
      );
      t.deepEqual(
        all.flatMap((each) => elementsOf(each, 'split')),
        old.flatMap((subtask) => [subtask * 10, subtask * 10 + 1, subtask * 10 + 2]),
      );
      const counts = all.map((each) => each?.splits.length ?? 0);
      t.true(Math.max(...counts) - Math.min(...counts) <= 1 || before === after);
      for (const [subtask, each] of all.entries()) {
        t.deepEqual(
          elementsOf(each, 'union'),
          old.map((index) => `u${index}`),
        );
        t.deepEqual(elementsOf(each, 'broadcast'), [['k', subtask % before]]);
        checkHashes(each?.keyed ?? [], subtask, after, before);
      }
    }),
  );
  function checkHashes(
    keyed: readonly KeyedStateHandle[],
    subtask: number,
    after: number,
    before: number,
  ): void {
    const range = hashRange(keyGroupRange(subtask, MAX, after), MAX);
    // The slow way: every key group's first hash is in a handle exactly if it is one of ours.
    for (let old = 0; old < before; old++) {
      const handle = handleOf(old, before);
      const groups = keyGroupRange(old, MAX, before);
      let isShared = false;
      for (let group = groups.first; group <= groups.last; group++) {
        const { first } = hashRange({ first: group, last: group }, MAX);
        isShared ||= first >= range.first && first <= range.last;
      }
      t.is(
        keyed.some(({ hashFirst }) => hashFirst === handle.hashFirst),
        isShared,
      );
    }
  }
});

test('state without an operator is refused by name, unless it may be left behind', (t) => {
  const manifest = manifestOf(2);
  const operators = [{ ...operatorOf(2), operatorId: 'new', name: 'fresh' }];
  t.throws(() => planRestore({ manifest, operators, allowNonRestoredState: false }), {
    code: 'STATE_UNMATCHED',
    message: /operator 'count' \(uid 'u'\)/,
  });
  const plan = planRestore({ manifest, operators, allowNonRestoredState: true });
  t.deepEqual(
    plan.unmatched.map(({ name }) => name),
    ['count'],
  );
  t.deepEqual(
    plan.fresh.map(({ name }) => name),
    ['fresh'],
  );
  t.is(plan.assigned('new', 0), undefined);
});

test('an operator without state may go', (t) => {
  const full = manifestOf(2);
  const subtasks = full.subtasks.map((subtask): ManifestSubtask => {
    const operators = subtask.operators.map(
      (operator): OperatorSubtaskState => ({
        ...operator,
        stage: undefined,
        keyed: { ...handleOf(0, 1), segments: [] },
        operatorStates: [{ name: 'split', mode: 'split', elements: [] }],
        splits: [],
      }),
    );
    return { ...subtask, operators };
  });
  const manifest = { ...full, subtasks, enumerators: [] };
  t.notThrows(() => planRestore({ manifest, operators: [], allowNonRestoredState: false }));
});

test('another maximum parallelism is refused where there is keyed state', (t) => {
  const operators = [{ ...operatorOf(2), maxParallelism: 256 }];
  t.throws(
    () => planRestore({ manifest: manifestOf(2), operators, allowNonRestoredState: false }),
    {
      code: 'STATE_INCOMPATIBLE',
      message: /'count' has maximum parallelism 256, .* under 128/,
    },
  );
});

test('a parallelism above the maximum is refused', (t) => {
  const operators = [operatorOf(MAX + 1)];
  t.throws(
    () => planRestore({ manifest: manifestOf(2), operators, allowNonRestoredState: false }),
    {
      code: 'PARALLELISM_INVALID',
      message: /'count' has parallelism 129/,
    },
  );
});

test('an operator counts as finished when all its subtasks had', (t) => {
  const manifest = manifestOf(2);
  const finished = (indices: readonly number[]): boolean | undefined => {
    const subtasks = manifest.subtasks.map((each) => ({
      ...each,
      isFinished: indices.includes(each.subtask),
    }));
    const operators = [operatorOf(4)];
    const request = {
      manifest: { ...manifest, subtasks },
      operators,
      allowNonRestoredState: false,
    };
    return planRestore(request).assigned('op', 3)?.isFinished;
  };
  t.deepEqual([finished([]), finished([1]), finished([0, 1])], [false, false, true]);
});

test('records in flight need both ends', (t) => {
  const full = manifestOf(2);
  const channel = {
    sourceOperatorId: 'gone',
    targetOperatorId: 'op',
    tag: undefined,
    sourceSubtask: 0,
    targetSubtask: 0,
    targetInput: 0,
    side: 'input' as const,
    file: { path: 'shared/c', bytes: 1, checksum: 1 },
    rows: 3,
  };
  const subtasks = full.subtasks.map((each) => ({ ...each, channels: [channel] }));
  const request = { manifest: { ...full, subtasks }, operators: [operatorOf(2)] };
  t.throws(() => planRestore({ ...request, allowNonRestoredState: false }), {
    code: 'STATE_UNMATCHED',
    message: /3 records in flight/,
  });
  t.deepEqual(planRestore({ ...request, allowNonRestoredState: true }).channels, []);
  const known = [...request.operators, { ...operatorOf(1), operatorId: 'gone' }];
  const plan = planRestore({ ...request, operators: known, allowNonRestoredState: false });
  t.deepEqual(plan.channels, [channel, channel]);
});

function elementsOf(
  assigned: ReturnType<ReturnType<typeof planRestore>['assigned']>,
  name: string,
): readonly unknown[] {
  return assigned?.operatorStates.find((state) => state.name === name)?.elements ?? [];
}

function operatorOf(parallelism: number): RestoreOperator {
  return { operatorId: 'op', name: 'count', uid: 'u', parallelism, maxParallelism: MAX };
}

function handleOf(subtask: number, parallelism: number): KeyedStateHandle {
  const { first, last } = hashRange(keyGroupRange(subtask, MAX, parallelism), MAX);
  const segments = [{ path: `shared/${subtask}`, bytes: 1, checksum: 1 }];
  return { hashFirst: first, hashLast: last, states: [], base: undefined, segments };
}

function manifestOf(parallelism: number): CheckpointManifest {
  const operator: ManifestOperator = { ...operatorOf(parallelism), kind: 'process', vertex: 4 };
  const subtasks = Array.from({ length: parallelism }, (_, subtask): ManifestSubtask => {
    const state: OperatorSubtaskState = {
      operatorId: 'op',
      stage: { version: 1, data: subtask },
      keyed: handleOf(subtask, parallelism),
      operatorStates: [
        {
          name: 'split',
          mode: 'split',
          elements: [subtask * 10, subtask * 10 + 1, subtask * 10 + 2],
        },
        { name: 'union', mode: 'union', elements: [`u${subtask}`] },
        { name: 'broadcast', mode: 'broadcast', elements: [['k', subtask]] },
      ],
      splits: [`s${subtask}a`, `s${subtask}b`],
    };
    const stats = {
      alignmentMs: 0,
      syncMs: 0,
      asyncMs: 0,
      longestSliceMs: 0,
      slicesMs: 0,
      bytes: 0,
      inFlightBytes: 0,
    };
    return { vertex: 4, subtask, operators: [state], channels: [], isFinished: false, stats };
  });
  return {
    jobId: '0123456789abcdef0123456789abcdef',
    jobName: 'x',
    checkpointId: 1,
    epoch: 1,
    kind: 'checkpoint',
    snapshotKind: 'full',
    triggeredMs: 0,
    completedMs: 0,
    isDrained: false,
    isFinal: false,
    operators: [operator],
    // In any order: they are put in order by their index.
    subtasks: subtasks.reverse(),
    enumerators: [{ operatorId: 'op', data: { next: 1n } }],
    files: [],
  };
}
