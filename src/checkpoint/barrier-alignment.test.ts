import test from 'ava';
import type { CheckpointBarrier } from './barrier.ts';
import { decodeBarrier, encodeBarrier } from './barrier.ts';
import { BarrierAlignment } from './barrier-alignment.ts';

const barrier = (checkpointId: number): CheckpointBarrier => ({
  checkpointId,
  timestamp: 5,
  isSavepoint: false,
  snapshotKind: 'incremental',
  isUnaligned: false,
});

function alignment(
  channels: number,
  isBlocking = true,
): { readonly align: BarrierAlignment; readonly aligned: (readonly [number, number])[] } {
  const aligned: (readonly [number, number])[] = [];
  const align = new BarrierAlignment(channels, isBlocking, {
    aligned: ({ checkpointId }, alignmentMs) => void aligned.push([checkpointId, alignmentMs]),
  });
  return { align, aligned };
}

test('a channel is blocked from its barrier to the last one', (t) => {
  const { align, aligned } = alignment(3);
  align.barrier(1, barrier(1), 10);
  t.deepEqual(
    [0, 1, 2].map((channel) => align.isBlocked(channel)),
    [false, true, false],
  );
  align.barrier(0, barrier(1), 12);
  t.deepEqual(aligned, []);
  align.barrier(2, barrier(1), 17);
  t.deepEqual(aligned, [[1, 7]]);
  t.deepEqual(
    [0, 1, 2].map((channel) => align.isBlocked(channel)),
    [false, false, false],
  );
});

test('at-least-once counts barriers and blocks nothing', (t) => {
  const { align, aligned } = alignment(2, false);
  align.barrier(0, barrier(1), 0);
  t.false(align.isBlocked(0));
  align.barrier(1, barrier(1), 3);
  t.deepEqual(aligned, [[1, 3]]);
});

test('ended channels are not waited for, before or during an alignment', (t) => {
  const { align, aligned } = alignment(3);
  align.ended(2, 0);
  align.barrier(0, barrier(1), 1);
  t.deepEqual(aligned, []);
  align.ended(1, 4);
  t.deepEqual(aligned, [[1, 3]]);
  align.barrier(0, barrier(2), 9);
  t.deepEqual(aligned[1], [2, 0]);
});

test('a newer checkpoint ends the alignment of an older one, whose barriers then mean nothing', (t) => {
  const { align, aligned } = alignment(2);
  align.barrier(0, barrier(1), 0);
  align.barrier(1, barrier(2), 1);
  t.false(align.isBlocked(0));
  t.true(align.isBlocked(1));
  align.barrier(0, barrier(2), 2);
  t.deepEqual(aligned, [[2, 1]]);
  align.barrier(1, barrier(1), 3);
  t.is(align.current, undefined);
});

test('a checkpoint that was given up blocks nothing', (t) => {
  const { align, aligned } = alignment(2);
  align.barrier(0, barrier(3), 0);
  align.forget(3);
  t.false(align.isBlocked(0));
  align.barrier(1, barrier(3), 1);
  t.deepEqual(aligned, []);
  align.barrier(0, barrier(4), 2);
  align.barrier(1, barrier(4), 2);
  t.deepEqual(aligned, [[4, 0]]);
});

test('a barrier comes back from its bytes', (t) => {
  const memory = new Float64Array(5);
  for (const snapshotKind of ['incremental', 'full', 'canonical'] as const) {
    for (const isSavepoint of [false, true]) {
      for (const isUnaligned of [false, true]) {
        const each = { ...barrier(2 ** 40), snapshotKind, isSavepoint, isUnaligned };
        encodeBarrier(each, memory, 2);
        t.deepEqual(decodeBarrier(memory, 2), each);
      }
    }
  }
});
