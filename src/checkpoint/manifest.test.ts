import test from 'ava';
import { crc32 } from 'node:zlib';
import { type CheckpointManifest, decodeManifest, encodeManifest } from './manifest.ts';

const FILE = { path: 'shared/2-0-7-1-0-0-delta', bytes: 12, checksum: 3_405_691_582 };

const MANIFEST: CheckpointManifest = {
  jobId: '0123456789abcdef0123456789abcdef',
  jobName: 'flights "π"',
  checkpointId: 7,
  epoch: 2,
  kind: 'checkpoint',
  snapshotKind: 'incremental',
  triggeredMs: 1_577_836_800_000,
  completedMs: 1_577_836_800_123,
  isDrained: false,
  isFinal: false,
  operators: [
    {
      operatorId: 'abc',
      name: 'count',
      uid: undefined,
      kind: 'process',
      vertex: 1,
      parallelism: 1,
      maxParallelism: 128,
    },
  ],
  subtasks: [
    {
      vertex: 1,
      subtask: 0,
      operators: [
        {
          operatorId: 'abc',
          stage: { version: 1, data: { watermark: Number.NEGATIVE_INFINITY, offset: 12n } },
          keyed: {
            hashFirst: 0,
            hashLast: 4_294_967_295,
            states: [],
            base: undefined,
            segments: [FILE],
          },
          operatorStates: [{ name: 'list', mode: 'split', elements: [new Uint8Array([1]), -0] }],
          splits: undefined,
        },
      ],
      channels: [],
      isFinished: false,
      stats: {
        alignmentMs: 0.5,
        syncMs: 1,
        asyncMs: 2,
        longestSliceMs: 3,
        slicesMs: 4,
        bytes: 12,
        inFlightBytes: 0,
      },
    },
  ],
  enumerators: [{ operatorId: 'src', data: { next: 3 } }],
  files: [FILE],
};

const GOLDEN_BYTES = 1769;
const GOLDEN_CRC = 2_427_291_285;

test('a manifest is read as it was written', (t) => {
  t.deepEqual(decodeManifest(encodeManifest(MANIFEST), 'x'), MANIFEST);
});

test('the format is that of version 1', (t) => {
  const bytes = encodeManifest(MANIFEST);
  const text = new TextDecoder().decode(bytes);
  t.true(text.startsWith('{\n "format": "millrace-checkpoint",\n "version": 1,\n "jobId": "0123'));
  t.regex(text, /\n}\ncrc32 [0-9a-f]{8}\n$/);
  t.deepEqual([bytes.length, crc32(bytes)], [GOLDEN_BYTES, GOLDEN_CRC]);
});

test('every flipped bit and every missing end is found', (t) => {
  const bytes = encodeManifest(MANIFEST);
  for (let index = 0; index < bytes.length; index++) {
    const flipped = bytes.slice();
    flipped[index] = (flipped[index] as number) ^ (1 << (index % 8));
    t.throws(() => decodeManifest(flipped, 'the/path'), {
      code: 'CHECKPOINT_DAMAGED',
      message: /the\/path/,
    });
    t.throws(() => decodeManifest(bytes.subarray(0, index), 'x'), { code: 'CHECKPOINT_DAMAGED' });
  }
});

test('a manifest of a newer release is refused with both versions', (t) => {
  const newer = resealed(encodeManifest(MANIFEST), (text) =>
    text.replace('"version": 1', '"version": 12'),
  );
  t.throws(() => decodeManifest(newer, 'x'), {
    code: 'FORMAT_INVALID',
    message: /version is 12, this release reads 1/,
  });
});

test('other things under a right checksum are refused', (t) => {
  const bytes = encodeManifest(MANIFEST);
  const cases: readonly (readonly [string, string])[] = [
    ['"millrace-checkpoint"', '"other"'],
    ['"files": [', '"files": {}, "x": ['],
    ['"epoch": 2', '"epoch": "2"'],
    ['"0123456789abcdef0123456789abcdef"', '"../../x"'],
    [`"bytes": 12,\n   "checksum": 3405691582\n  }\n ]\n}`, '"bytes": "12"\n  }\n ]\n}'],
  ];
  for (const [from, to] of cases) {
    const changed = resealed(bytes, (text) => {
      t.true(text.includes(from), from);
      return text.replace(from, to);
    });
    t.throws(() => decodeManifest(changed, 'x'), { code: 'FORMAT_INVALID' }, from);
  }
});

function resealed(bytes: Uint8Array, change: (text: string) => string): Uint8Array {
  const text = change(new TextDecoder().decode(bytes).replace(/crc32 .*\n$/, ''));
  const checksum = crc32(text).toString(16).padStart(8, '0');
  return new TextEncoder().encode(`${text}crc32 ${checksum}\n`);
}
