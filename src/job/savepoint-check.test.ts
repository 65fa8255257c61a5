import test from 'ava';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import type { StateDeclaration } from '../state/keyed-state-backend.ts';
import type { StateMeta } from '../state/snapshot.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeToJson } from '../types/type-json.ts';
import { types } from '../types/types.ts';
import { type DeclaredState, notingBackend } from './declared-state.ts';
import { type StateCheck, stateChecks } from './savepoint-check.ts';

function meta(
  name: string,
  value: TypeInformation<unknown>,
  options: Partial<StateMeta> = {},
): StateMeta {
  return {
    name,
    kind: 'value',
    keySchemas: [typeToJson(types.string)],
    namespaceSchemas: [],
    valueSchemas: [typeToJson(value)],
    hasTtl: false,
    ...options,
  };
}

/** What becomes of saved states when these are declared. */
function check(
  metas: readonly StateMeta[],
  ...declarations: readonly StateDeclaration[]
): readonly StateCheck[] {
  const states: DeclaredState[] = [];
  using backend = notingBackend({
    operatorName: 'totals',
    maxParallelism: 128,
    handles: [
      { hashFirst: 0, hashLast: 2 ** 32 - 1, states: metas, base: undefined, segments: [] },
    ],
    environment: simulatedEnvironment({ seed: 1 }),
    note: (state) => states.push(state),
  });
  for (const declaration of declarations) backend.declare(declaration);
  return stateChecks(states, new Map(metas.map((each) => [each.name, [each]])));
}

const ROW = types.row({ carrier: types.string, flights: types.int });
const WIDER = types.row({
  carrier: types.string,
  flights: types.long,
  delay: types.optional(types.double),
});
const OTHER = types.row({ carrier: types.string, flights: types.string });

test('the same types are compatible, undeclared types take what was saved', (t) => {
  const [same] = check([meta('sum', ROW)], { name: 'sum', kind: 'value', valueType: ROW });
  t.like(same, { state: 'sum', outcome: 'compatible', changes: [] });
  const [captured] = check([meta('sum', ROW)], { name: 'sum', kind: 'value' });
  t.is(captured?.outcome, 'compatible');
});

test('a migration says what happens to each field', (t) => {
  const [sum] = check([meta('sum', ROW)], { name: 'sum', kind: 'value', valueType: WIDER });
  t.is(sum?.outcome, 'migrated');
  t.is(sum?.changes.length, 2);
  t.regex(sum?.changes.join('\n') ?? '', /flights: .*long/);
  t.regex(sum?.changes.join('\n') ?? '', /delay: /);
});

test('a refusal names the field, and the other states are told of nevertheless', (t) => {
  const [sum, count] = check(
    [meta('sum', ROW), meta('count', types.int)],
    { name: 'sum', kind: 'value', valueType: OTHER },
    { name: 'count', kind: 'value', valueType: types.int },
  );
  t.is(sum?.outcome, 'refused');
  t.regex(sum?.reason ?? '', /flights/);
  t.is(count?.outcome, 'compatible');
});

test('another kind is refused; new and undeclared states are told apart', (t) => {
  const checks = check(
    [meta('sum', ROW), meta('old', ROW)],
    { name: 'sum', kind: 'list', valueType: ROW },
    { name: 'fresh', kind: 'value', valueType: ROW },
  );
  t.deepEqual(
    checks.map(({ state, outcome }) => [state, outcome]),
    [
      ['sum', 'refused'],
      ['fresh', 'new'],
      ['old', 'undeclared'],
    ],
  );
});

test('a state that is declared twice is told once', (t) => {
  const sum: StateDeclaration = { name: 'sum', kind: 'value', valueType: ROW };
  t.is(check([meta('sum', ROW)], sum, sum).length, 1);
});
