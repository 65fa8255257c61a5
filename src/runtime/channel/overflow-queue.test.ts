import test from 'ava';
import fc from 'fast-check';
import { frameMemoryOf } from '../../types/frame-memory.ts';
import { overflowQueue } from './channel.test-kit.ts';
import type { OverflowQueue, QueuedElement } from './overflow-queue.ts';

function push(queue: OverflowQueue, kind: number, byteLength: number): void {
  const memory = frameMemoryOf(new ArrayBuffer((byteLength + 7) & ~7));
  memory.bytes.fill(kind & 0xff, 0, byteLength);
  queue.push(kind, memory, byteLength);
}

function checked(element: QueuedElement | undefined): [number, number] | undefined {
  if (element === undefined) return undefined;
  const { kind, memory, byteLength } = element;
  for (let at = 0; at < byteLength; at++) {
    if (memory.bytes[at] !== (kind & 0xff)) throw new Error(`byte ${at} of ${kind} is damaged`);
  }
  return [kind, byteLength];
}

test('elements come out in the order in which they went in, through memory and disk', (t) => {
  const operation = fc.oneof(
    { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 200 }) }) },
    { weight: 2, arbitrary: fc.constant({ push: -1 }) },
  );
  const property = fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
    const { queue, fileSystem } = overflowQueue(300);
    const model: [number, number][] = [];
    let next = 0;
    for (const { push: byteLength } of operations) {
      if (byteLength >= 0) {
        push(queue, next, byteLength);
        model.push([next++, byteLength]);
      } else {
        t.deepEqual(checked(queue.peek()), model[0]);
        if (model.shift() !== undefined) queue.shift();
      }
      t.is(queue.isEmpty, model.length === 0);
      t.true(queue.memoryBytes <= 300);
    }
    while (model.length > 0) {
      t.deepEqual(checked(queue.peek()), model.shift());
      queue.shift();
    }
    t.is(queue.byteLength, 0);
    t.deepEqual(filesOf(fileSystem), [], 'a file that was read to its end is removed');
  });
  fc.assert(property, { numRuns: 300 });
});

test('beyond the bound elements go to disk, and close removes the file', (t) => {
  const { queue, fileSystem } = overflowQueue(100);
  push(queue, 1, 80);
  t.deepEqual(filesOf(fileSystem), []);
  push(queue, 2, 80);
  push(queue, 3, 8);
  t.is(queue.memoryBytes, 80);
  t.true(queue.byteLength > 160);
  t.is(filesOf(fileSystem).length, 1);
  queue.close();
  t.deepEqual(filesOf(fileSystem), []);
  t.true(queue.isEmpty);
});

test('peek gives the same element until it is shifted', (t) => {
  const { queue } = overflowQueue(0);
  push(queue, 7, 16);
  t.is(queue.peek(), queue.peek());
  queue.shift();
  t.is(queue.peek(), undefined);
});

/** Files below the temporary directories. */
function filesOf(fileSystem: ReturnType<typeof overflowQueue>['fileSystem']): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    for (const name of fileSystem.list(path)) {
      const below = path === '/' ? `/${name}` : `${path}/${name}`;
      if (fileSystem.stat(below)?.kind === 'file') found.push(below);
      else walk(below);
    }
  };
  walk('/');
  return found;
}
