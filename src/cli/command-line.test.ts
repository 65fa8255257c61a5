import test from 'ava';
import { configurationWith, defaultConfiguration } from '../graph/configuration.ts';
import { readCommandLine } from './command-line.ts';
import type { Request } from './requests.ts';

function read(text: string): Request {
  return readCommandLine(text === '' ? [] : text.split(' '));
}

test('the named options of run are configuration options', (t) => {
  const request = read(
    'run job.ts --checkpoint-dir ./ckpt --checkpoint-interval 1s --state rocksdb --memory 4GB ' +
      '--from /sp/1 --allow-non-restored-state --claim -p 8 -e inline',
  );
  t.like(request, { kind: 'run', job: 'job.ts', executor: 'inline', resume: false, json: false });
  const { configuration } = request as Extract<Request, { kind: 'run' }>;
  t.deepEqual(configuration, {
    'parallelism.default': '8',
    'execution.executor': 'inline',
    'execution.checkpointing.dir': './ckpt',
    'execution.checkpointing.interval': '1s',
    'state.backend.type': 'rocksdb',
    'taskmanager.memory.managed.size': '4GB',
    'execution.state-recovery.path': '/sp/1',
    'execution.state-recovery.ignore-unclaimed-state': 'true',
    'execution.state-recovery.claim-mode': 'claim',
  });
  const { checkpointing, state } = configurationWith(defaultConfiguration, configuration);
  t.like(checkpointing, {
    directory: './ckpt',
    intervalMs: 1000,
    restorePath: '/sp/1',
    allowNonRestoredState: true,
    claimMode: 'claim',
  });
  t.like(state, { backend: 'rocksdb', memoryBytes: 4 * 1024 ** 3 });
});

test('named options win over -D, wherever they stand; nothing else is set', (t) => {
  const request = read('run job.ts --state heap -D state.backend.type=rocksdb -D a=b');
  t.like(request, { configuration: { 'state.backend.type': 'heap', a: 'b' } });
  t.deepEqual((read('run job.ts') as { configuration?: unknown }).configuration, {});
});

test('resume', (t) => {
  t.like(read('run job.ts --checkpoint-dir ./ckpt --resume'), { kind: 'run', resume: true });
});

test('what stands after -- is the job’s', (t) => {
  t.like(read('run job.ts -- --resume --json x'), {
    resume: false,
    args: ['--resume', '--json', 'x'],
  });
});

test('commands for running jobs', (t) => {
  t.deepEqual(read('list'), { kind: 'list', checkpointDirectory: undefined, json: false });
  t.like(read('list --json --checkpoint-dir ./ckpt'), {
    checkpointDirectory: './ckpt',
    json: true,
  });
  t.like(read('cancel orders'), { kind: 'cancel', job: 'orders' });
  t.deepEqual(read('savepoint orders ./sp --format native'), {
    kind: 'savepoint',
    job: 'orders',
    directory: './sp',
    format: 'native',
    checkpointDirectory: undefined,
    json: false,
  });
  t.like(read('savepoint orders'), { directory: undefined, format: undefined });
  t.like(read('stop orders --drain ./sp --json'), {
    kind: 'stop',
    directory: './sp',
    drain: true,
    json: true,
  });
  t.like(read('stop orders'), { drain: false });
});

test('commands that look into savepoints', (t) => {
  t.deepEqual(read('savepoint check job.ts /sp/1 -p 8 -D a=b --allow-non-restored-state -- x'), {
    kind: 'savepoint-check',
    job: 'job.ts',
    savepoint: '/sp/1',
    configuration: {
      a: 'b',
      'parallelism.default': '8',
      'execution.state-recovery.ignore-unclaimed-state': 'true',
    },
    json: false,
    args: ['x'],
  });
  t.like(read('savepoint check job.ts /sp/1 --json'), { kind: 'savepoint-check', json: true });
  t.deepEqual(read('state list /sp/1 --json'), {
    kind: 'state-list',
    savepoint: '/sp/1',
    json: true,
  });
  t.deepEqual(read('state query /sp/1 --operator o --state s --key 5 --format csv --limit 7'), {
    kind: 'state-query',
    savepoint: '/sp/1',
    operator: 'o',
    state: 's',
    key: '5',
    format: 'csv',
    limit: 7,
    json: false,
  });
  t.like(read('state query /sp/1 --operator o --state s'), { format: 'table', key: undefined });
});

const WRONG: readonly (readonly [line: string, problem: RegExp])[] = [
  ['run job.ts --resume --from /sp/1', /--resume.*cannot be used with.*--from/],
  ['run job.ts --state redis', /Allowed choices are heap, rocksdb/],
  ['run job.ts --checkpoint-dir', /argument missing/],
  ['cancel', /missing required argument 'job'/],
  ['cancel a b', /too many arguments/],
  ['stop a b c', /too many arguments/],
  ['savepoint a --format zip', /Allowed choices are canonical, native/],
  ['savepoint', /missing required argument 'job'/],
  ['savepoint check job.ts', /missing required argument 'savepoint'/],
  ['state query /sp/1 --state s', /required option '--operator <uid>' not specified/],
  ['state query /sp/1 --operator o --state s --limit 0', /whole number from 1/],
  [
    'state query /sp/1 --operator o --state s --format xml',
    /Allowed choices are table, jsonl, csv/,
  ],
  ['state', /no command was given/],
  ['stpo a', /unknown command 'stpo'/],
];

for (const [line, problem] of WRONG) {
  test(`wrong: ${line}`, (t) => {
    const request = read(line);
    t.is(request.kind, 'nothing');
    t.regex((request.kind === 'nothing' && request.problem) || '', problem);
  });
}

const COMMANDS = ['run', 'list', 'cancel', 'savepoint', 'stop'].concat([
  'savepoint check',
  'state list',
  'state query',
]);

for (const command of COMMANDS) {
  test(`help of ${command} has examples and exit codes that fit a terminal`, (t) => {
    const request = read(`${command} --help`);
    t.is(request.kind, 'nothing');
    if (request.kind !== 'nothing') return;
    t.is(request.problem, undefined);
    t.true(request.text.includes(`Examples:\n  millrace ${command}`));
    if (command !== 'list') t.regex(request.text, /Exit codes: 0/);
    for (const line of request.text.split('\n')) t.true(line.length <= 100, line);
  });
}
