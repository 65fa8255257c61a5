import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import type { SplitEnumerator, SplitEnumeratorContext } from '../functions/source.ts';
import type { JobVertex } from '../graph/job-graph.ts';
import { closeCoordinators, SourceCoordinator } from './source-coordinator.ts';

interface Coordination {
  readonly coordinator: SourceCoordinator;
  readonly log: string[];
  readonly failures: unknown[];
  context(): SplitEnumeratorContext;
}

function coordinate(
  enumerator: Partial<SplitEnumerator>,
  create: () => void = () => {},
): Coordination {
  const log: string[] = [];
  const failures: unknown[] = [];
  let context: SplitEnumeratorContext | undefined;
  const source = {
    boundedness: 'bounded',
    createEnumerator: (given: SplitEnumeratorContext) => {
      create();
      context = given;
      return {
        addReader: (subtask: number) => log.push(`reader ${subtask}`),
        handleSplitRequest: (subtask: number) => log.push(`request ${subtask}`),
        addSplitsBack: () => {},
        snapshotState: () => [],
        ...enumerator,
      };
    },
  };
  const node = { name: 'Source: numbers', spec: { kind: 'source', source } };
  const vertex = { index: 3, name: 'v', parallelism: 2, nodes: [node] } as unknown as JobVertex;
  const link = {
    addSplits: (index: number, subtask: number, splits: readonly { splitId: string }[]) =>
      log.push(`splits ${index} ${subtask} ${splits.map(({ splitId }) => splitId).join()}`),
    noMoreSplits: (index: number, subtask: number) => log.push(`no more ${index} ${subtask}`),
  };
  const coordinator = new SourceCoordinator(
    vertex,
    { environment: simulatedEnvironment({ seed: 1 }), enumeratorSplits: () => undefined },
    link as never,
    (error) => failures.push(error),
  );
  return { coordinator, log, failures, context: () => context as SplitEnumeratorContext };
}

test('readers are told of after the enumerator has started', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { coordinator, log } = coordinate({ start: () => promise });
  coordinator.addReader(0);
  coordinator.handleSplitRequest(1);
  await turn();
  t.deepEqual(log, []);
  resolve();
  await turn();
  t.deepEqual(log, ['reader 0', 'request 1']);
});

test('splits go to their reader, until the coordinator is closed', async (t) => {
  const { coordinator, log, context } = coordinate({});
  context().assignSplit({ splitId: 'a' }, 1);
  context().signalNoMoreSplits(1);
  await coordinator.close();
  context().assignSplit({ splitId: 'b' }, 0);
  coordinator.addReader(0);
  await turn();
  t.deepEqual(log, ['splits 3 1 a', 'no more 3 1']);
});

test('whatever the enumerator throws names the source', async (t) => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const cases = [
    coordinate({}, boom),
    coordinate({ start: boom }),
    coordinate({ addReader: boom }),
    coordinate({ handleSplitRequest: boom }),
  ];
  for (const { coordinator, failures } of cases) {
    coordinator.addReader(0);
    coordinator.handleSplitRequest(0);
    await turn();
    t.like(failures[0], {
      code: 'USER_FUNCTION_FAILED',
      message: /'Source: numbers' failed: boom/.exec((failures[0] as Error).message)?.input,
      details: { operator: 'Source: numbers' },
      cause: { message: 'boom' },
    });
  }
});

test('all coordinators are closed, also when one fails to', async (t) => {
  let closed = 0;
  const close = (): void => {
    closed++;
    throw new Error('stuck');
  };
  const all = [coordinate({ close }), coordinate({ close }), coordinate({})];
  const closing = closeCoordinators(
    new Map(all.map(({ coordinator }, index) => [index, coordinator])),
  );
  await t.throwsAsync(closing, { code: 'USER_FUNCTION_FAILED', message: /stuck/ });
  t.is(closed, 2);
  for (const { coordinator } of all) await coordinator.close();
  t.is(closed, 2, 'closing again does nothing');
});
