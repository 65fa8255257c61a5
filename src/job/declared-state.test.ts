import test from 'ava';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import type { StateDeclaration } from '../state/keyed-state-backend.ts';
import type { StateMeta } from '../state/snapshot.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeToJson } from '../types/type-json.ts';
import { types } from '../types/types.ts';
import { type DeclaredState, notingBackend } from './declared-state.ts';

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

/** What is noted of states that are declared over saved ones. */
function declare(
  metas: readonly StateMeta[],
  ...declarations: readonly StateDeclaration[]
): readonly DeclaredState[] {
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
  return states;
}

const ROW = types.row({ carrier: types.string, flights: types.int });
const WIDER = types.row({
  carrier: types.string,
  flights: types.long,
  delay: types.optional(types.double),
});
const OTHER = types.row({ carrier: types.string, flights: types.string });

test('what fits, migrates, or has no declared type is not refused', (t) => {
  const saved = [meta('sum', ROW)];
  for (const valueType of [ROW, WIDER, undefined]) {
    const [sum] = declare(saved, { name: 'sum', kind: 'value', valueType });
    t.is(sum?.refusal, undefined);
  }
});

test('a refusal names the field, and the operator goes on opening', (t) => {
  const [sum, count] = declare(
    [meta('sum', ROW), meta('count', types.int)],
    { name: 'sum', kind: 'value', valueType: OTHER },
    { name: 'count', kind: 'value', valueType: types.int },
  );
  t.regex(sum?.refusal?.message ?? '', /flights/);
  t.deepEqual([count?.declaration.name, count?.refusal], ['count', undefined]);
});

test('another kind is refused, a new state is not', (t) => {
  const [sum, fresh] = declare(
    [meta('sum', ROW)],
    { name: 'sum', kind: 'list', valueType: ROW },
    { name: 'fresh', kind: 'value', valueType: ROW },
  );
  t.regex(sum?.refusal?.message ?? '', /restored as value state/);
  t.is(fresh?.refusal, undefined);
});

test('a time to live may come and go', (t) => {
  const timed = meta('sum', ROW, { hasTtl: true });
  t.is(declare([timed], { name: 'sum', kind: 'value' })[0]?.refusal, undefined);
  const [added] = declare([meta('sum', ROW)], { name: 'sum', kind: 'value', hasTtl: true });
  t.is(added?.refusal, undefined);
});

test('a state that is declared twice is noted once', (t) => {
  const sum: StateDeclaration = { name: 'sum', kind: 'value', valueType: ROW };
  t.is(declare([meta('sum', ROW)], sum, sum).length, 1);
});
