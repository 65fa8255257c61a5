/** `state list` and `state query` on savepoints that real backends wrote to a real disk. */
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { realEnvironment } from '../../base/real-environment.ts';
import { ContentMap } from '../../state/content-map.ts';
import type { KeyedStateHandle } from '../../state/snapshot.ts';
import { readCommandLine } from '../command-line.ts';
import type { StateListRequest, StateQueryRequest } from '../requests.ts';
import { textTerminal } from '../testing/text-terminal.ts';
import { stateCommand } from './state-command.ts';
import { jsonValue } from './state-json.ts';
import { writeSavepoint, type WrittenSavepoint } from './written-savepoint.test-kit.ts';

const environment = realEnvironment();

const AIRPORTS = ['LAX', 'JFK', 'SFO', 'ORD', 'ATL', 'BOS', 'DEN', 'SEA'];

const SAVEPOINT: WrittenSavepoint = {
  states: [
    {
      declaration: { name: 'sum', kind: 'value' },
      rows: AIRPORTS.map((key, index) => ({ key, value: { flights: index, delay: index / 2 } })),
    },
    {
      declaration: { name: 'by window', kind: 'window' },
      rows: [
        { key: 1, namespace: 0, value: 10 },
        { key: 1, namespace: 3600, value: 20 },
        { key: '1', namespace: 0, value: 30 },
        { key: 2, namespace: 0, value: 40 },
      ],
    },
    {
      declaration: { name: 'last', kind: 'map' },
      rows: [{ key: 7, value: mapOf(['a', 1], ['__proto__', 2]) }],
    },
    {
      declaration: { name: 'seen', kind: 'list', hasTtl: true },
      rows: [{ key: 'x,"y"', value: [{ time: 5, value: 'a' }] }],
    },
  ],
  operatorStates: [{ name: 'offsets', mode: 'split', elements: [11, 12] }],
};

function mapOf(...entries: readonly (readonly [string, number])[]): ContentMap<unknown> {
  const map = new ContentMap<unknown>();
  for (const [key, value] of entries) map.set(key, value);
  return map;
}

async function savepoint(t: ExecutionContext, written = SAVEPOINT): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mr-sp-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await writeSavepoint(folder, environment, written);
  return folder;
}

async function run(
  ...line: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { terminal, texts } = textTerminal();
  const request = readCommandLine(['state', ...line]) as StateListRequest | StateQueryRequest;
  const code = await stateCommand(request, terminal, environment);
  return { code, ...texts };
}

function query(path: string, state: string, ...more: readonly string[]): ReturnType<typeof run> {
  return run('query', path, '--operator', 'totals', '--state', state, ...more);
}

function rowsOf(
  stdout: string,
): { key: unknown; namespace?: unknown; value: unknown; subtask: number }[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: unknown; value: unknown; subtask: number });
}

test('list shows operators and their states', async (t) => {
  const path = await savepoint(t);
  const { code, stdout } = await run('list', path);
  t.is(code, 0);
  t.regex(stdout, /^savepoint 7 of 'orders' \(0190/);
  t.regex(stdout, /\noperator +name +state +kind\n/);
  for (const line of [
    /totals +Totals +by window +window\n/,
    /totals +Totals +last +map\n/,
    /offsets +operator list/,
  ]) {
    t.regex(stdout, line);
  }
  const json = JSON.parse((await run('list', path, '--json')).stdout) as { states: unknown[] };
  t.like(json, { status: 'ok', jobName: 'orders', checkpointId: 7 });
  t.is(json.states.length, 5);
});

test('query gives every row of all subtasks once', async (t) => {
  const { code, stdout } = await query(await savepoint(t), 'sum', '--format', 'jsonl');
  t.is(code, 0);
  const rows = rowsOf(stdout);
  t.deepEqual(rows.map(({ key }) => String(key)).sort(byText), [...AIRPORTS].sort(byText));
  for (const { key, value } of rows) {
    const index = AIRPORTS.indexOf(String(key));
    t.deepEqual(value, { flights: index, delay: index / 2 });
  }
  t.deepEqual(new Set(rows.map(({ subtask }) => subtask)), new Set([0, 1]));
});

test('a key is JSON or plain text; both readings are looked for', async (t) => {
  const path = await savepoint(t);
  for (const text of ['LAX', '"LAX"']) {
    const { stdout } = await query(path, 'sum', '--key', text, '--json');
    t.deepEqual(
      rowsOf(stdout).map(({ key, value }) => [key, value]),
      [['LAX', { flights: 0, delay: 0 }]],
    );
  }
  const windows = rowsOf((await query(path, 'by window', '--key', '1', '--json')).stdout);
  t.deepEqual(
    windows
      .map(({ key, namespace, value }) => [key, namespace, value] as const)
      .sort((a, b) => Number(a[2]) - Number(b[2])),
    [
      [1, 0, 10],
      [1, 3600, 20],
      ['1', 0, 30],
    ],
  );
  const none = await query(path, 'sum', '--key', 'NONE', '--json');
  t.deepEqual([none.code, none.stdout], [0, '']);
});

test('a table for people, with namespaces where there are any', async (t) => {
  const path = await savepoint(t);
  const sums = await query(path, 'sum', '--key', 'JFK');
  t.is(sums.stdout, 'key  value\nJFK  {"flights":1,"delay":0.5}\n');
  const windows = await query(path, 'by window', '--key', '2');
  t.is(windows.stdout, 'key  namespace  value\n2    0          40\n');
  const limited = await query(path, 'sum', '--limit', '3');
  t.is(limited.stdout.trimEnd().split('\n').length, 4);
  t.is(limited.stderr, 'the first 3 rows; --limit shows more\n');
  const all = await query(path, 'sum', '--limit', '8');
  t.is(all.stderr, '');
});

test('CSV quotes, maps are objects, times to live are left out', async (t) => {
  const path = await savepoint(t);
  const seen = await query(path, 'seen', '--format', 'csv');
  t.is(seen.stdout, 'key,namespace,value\n"x,""y""",,"[""a""]"\n');
  const [last] = rowsOf((await query(path, 'last', '--json')).stdout);
  t.deepEqual(Object.entries(last?.value as object), [
    ['a', 1],
    ['__proto__', 2],
  ]);
});

test('operator state has rows without keys', async (t) => {
  const path = await savepoint(t);
  const rows = rowsOf((await query(path, 'offsets', '--json')).stdout);
  t.deepEqual(
    rows.map(({ value, subtask }) => [subtask, value]),
    [
      [0, 11],
      [0, 12],
      [1, 11],
      [1, 12],
    ],
  );
  const keyed = await query(path, 'offsets', '--key', '1');
  t.is(keyed.code, 2);
  t.regex(keyed.stderr, /has no keys/);
});

test('unknown operators and states are told with those that there are', async (t) => {
  const path = await savepoint(t);
  const operator = await run('query', path, '--operator', 'total', '--state', 'sum');
  t.is(operator.code, 2);
  t.regex(
    operator.stderr,
    /no operator 'total' in it; operators with state are 'totals' \(Totals\)/,
  );
  const state = await query(path, 'summe');
  t.is(state.code, 2);
  t.regex(
    state.stderr,
    /has no state 'summe'; it has 'by window', 'last', 'offsets', 'seen', 'sum'/,
  );
  const missing = await run('list', '/no/such/savepoint');
  t.is(missing.code, 1);
  t.regex(missing.stderr, /^CHECKPOINT_NOT_FOUND/);
});

test('a damaged file is refused, not shown', async (t) => {
  const path = await savepoint(t);
  const [name = ''] = readdirSync(join(path, 'shared'));
  truncateSync(join(path, 'shared', name), 10);
  const { code, stderr } = await query(path, 'sum');
  t.is(code, 1);
  t.regex(stderr, /^CHECKPOINT_DAMAGED/);
});

test('state in RocksDB’s own files names the canonical format where it cannot be read', async (t) => {
  const keyed = (handle: KeyedStateHandle): KeyedStateHandle => ({
    ...handle,
    base: { kind: 'rocksdb', files: [], columnFamily: 'x', filter: undefined },
  });
  const { code, stderr } = await query(await savepoint(t, { ...SAVEPOINT, keyed }), 'sum');
  t.is(code, 1);
  t.regex(stderr, /--format canonical/);
});

test('values that JSON has no word for are text', (t) => {
  const value = {
    a: 12n,
    b: new Uint8Array([1, 2, 3]),
    c: [Number.NaN, -Infinity, undefined],
    d: new Map([[1, 2n]]),
  };
  t.is(
    JSON.stringify(jsonValue(value)),
    '{"a":"12","b":"AQID","c":["NaN","-Infinity",null],"d":[[1,"2"]]}',
  );
});

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
