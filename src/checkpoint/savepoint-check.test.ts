import test from 'ava';
import type { StateMeta } from '../state/snapshot.ts';
import { typeToJson } from '../types/type-json.ts';
import { types } from '../types/types.ts';
import type { CheckpointManifest } from './manifest.ts';
import { checkSavepoint, type DeclaredOperator, type DeclaredState } from './savepoint-check.ts';

const before = types.row({ id: types.int, note: types.string });

test('each state is compatible, migrated, refused, new or left behind, with the field', (t) => {
  const check = checkSavepoint({
    manifest: manifestOf([
      meta('same', types.int),
      meta('grown', before),
      meta('changed', before),
      meta('gone', types.int),
      { ...meta('kind', types.int), kind: 'list' },
    ]),
    operators: [
      operator([
        declared('same', types.int),
        declared('grown', types.row({ id: types.long, note: types.string })),
        declared('changed', types.row({ id: types.int, note: types.int })),
        declared('kind', types.int),
        declared('fresh', types.int),
      ]),
    ],
    allowNonRestoredState: false,
  });
  t.deepEqual(
    check.states.map(({ state, verdict }) => [state, verdict]),
    [
      ['same', 'compatible'],
      ['grown', 'migrated'],
      ['changed', 'refused'],
      ['kind', 'refused'],
      ['fresh', 'new'],
      ['gone', 'left-behind'],
    ],
  );
  const details = new Map(check.states.map((each) => [each.state, each.details.join('\n')]));
  t.regex(details.get('grown') ?? '', /value field 'id': /);
  t.regex(details.get('changed') ?? '', /value field 'note': /);
  t.regex(details.get('kind') ?? '', /was a list state, now value/);
  t.false(check.isRestorable);
  t.deepEqual(check.problems, []);
});

test('all schemas of all subtasks count', (t) => {
  const early = {
    ...meta('s', types.int),
    valueSchemas: [typeToJson(types.int), typeToJson(types.string)],
  };
  const check = checkSavepoint({
    manifest: manifestOf([meta('s', types.int), early]),
    operators: [operator([declared('s', types.long)])],
    allowNonRestoredState: false,
  });
  t.is(check.states[0]?.verdict, 'refused');
});

test('a key may not change', (t) => {
  const check = checkSavepoint({
    manifest: manifestOf([meta('s', types.int)]),
    operators: [operator([{ ...declared('s', types.int), keyType: types.int }])],
    allowNonRestoredState: false,
  });
  t.regex(check.states[0]?.details[0] ?? '', /^key: /);
});

test('a time to live may come, and begins with the restore', (t) => {
  const check = checkSavepoint({
    manifest: manifestOf([meta('s', types.int)]),
    operators: [operator([{ ...declared('s', types.int), hasTtl: true }])],
    allowNonRestoredState: false,
  });
  t.true(check.isRestorable);
  t.deepEqual(check.states[0]?.details, ['times to live begin anew']);
});

test('operators that are known at run time only are said to be', (t) => {
  const check = checkSavepoint({
    manifest: manifestOf([meta('s', types.int)]),
    operators: [{ ...operator([]), states: undefined }],
    allowNonRestoredState: false,
  });
  t.true(check.isRestorable);
  t.is(check.states[0]?.verdict, 'undeclared');
});

test('unmatched and fresh operators are listed, problems too', (t) => {
  const manifest = manifestOf([meta('s', types.int)]);
  const operators = [{ ...operator([]), operatorId: 'other', name: 'fresh' }];
  const strict = checkSavepoint({ manifest, operators, allowNonRestoredState: false });
  t.deepEqual(
    strict.unmatched.map(({ name }) => name),
    ['count'],
  );
  t.deepEqual(
    strict.fresh.map(({ name }) => name),
    ['fresh'],
  );
  t.regex(strict.problems[0] ?? '', /no operator for the state of 'count'/);
  t.false(strict.isRestorable);
  t.true(checkSavepoint({ manifest, operators, allowNonRestoredState: true }).isRestorable);
  const wide = [{ ...operator([]), maxParallelism: 7 }];
  const check = checkSavepoint({ manifest, operators: wide, allowNonRestoredState: false });
  t.regex(check.problems[0] ?? '', /maximum parallelism 7/);
});

function meta(name: string, value: Parameters<typeof typeToJson>[0]): StateMeta {
  return {
    name,
    kind: 'value',
    keySchemas: [typeToJson(types.string)],
    namespaceSchemas: [],
    valueSchemas: [typeToJson(value)],
    hasTtl: false,
  };
}

function declared(name: string, valueType: DeclaredState['valueType']): DeclaredState {
  return { name, kind: 'value', keyType: types.string, valueType };
}

function operator(states: readonly DeclaredState[]): DeclaredOperator {
  return { operatorId: 'op', name: 'count', uid: 'u', parallelism: 1, maxParallelism: 128, states };
}

function manifestOf(states: readonly StateMeta[]): CheckpointManifest {
  const keyed = {
    hashFirst: 0,
    hashLast: 2 ** 32 - 1,
    states,
    base: undefined,
    segments: [{ path: 'shared/x', bytes: 1, checksum: 1 }],
  };
  const state = {
    operatorId: 'op',
    stage: undefined,
    keyed,
    operatorStates: [],
    splits: undefined,
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
  return {
    jobId: '0123456789abcdef0123456789abcdef',
    jobName: 'x',
    checkpointId: 1,
    epoch: 1,
    kind: 'savepoint',
    snapshotKind: 'canonical',
    triggeredMs: 0,
    completedMs: 0,
    isDrained: false,
    isFinal: false,
    operators: [{ ...operator([]), kind: 'process', vertex: 0 }].map(withoutStates),
    subtasks: [
      { vertex: 0, subtask: 0, operators: [state], channels: [], isFinished: false, stats },
    ],
    enumerators: [],
    files: [],
  };
}

function withoutStates<T extends { readonly states: unknown }>(operator: T): Omit<T, 'states'> {
  const { states: _, ...rest } = operator;
  return rest;
}
