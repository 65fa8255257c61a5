/**
 * Another process reads the folder of a file sink on the real disk without a pause, while the sink
 * writes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { realEnvironment } from '../../base/real-environment.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { jsonLinesFormat } from '../../formats/json/json-lines-format.ts';
import { sinkStage } from '../../operators/sink/sink.ts';
import type { StageSnapshot } from '../../operators/chain-stage.ts';
import { StageDriver } from '../../operators/testing/stage-driver.ts';
import { fileSink } from './file-sink.ts';

/** Lists and reads until `stop` appears; prints what it saw as JSON. */
const READER = `
const fs = require('node:fs');
const [, out, completed, stop] = process.argv;
const sizes = new Map();
const complaints = [];
let listings = 0;
process.stdout.write('ready\\n');
while (!fs.existsSync(stop)) {
  listings++;
  const ids = [];
  for (const bucket of fs.existsSync(out) ? fs.readdirSync(out) : []) {
    if (bucket.startsWith('.')) continue;
    for (const name of fs.readdirSync(out + '/' + bucket)) {
      const content = fs.readFileSync(out + '/' + bucket + '/' + name, 'utf8');
      const size = sizes.get(name);
      if (size !== undefined && size !== content.length) complaints.push(name + ' has changed');
      sizes.set(name, content.length);
      if (!content.endsWith('\\n')) complaints.push(name + ' is not whole');
      for (const line of content.slice(0, -1).split('\\n')) ids.push(JSON.parse(line).id);
    }
  }
  const end = Number(fs.readFileSync(completed, 'utf8'));
  for (const id of ids) if (id >= end) complaints.push(id + ' was seen before ' + end);
  if (new Set(ids).size !== ids.length) complaints.push('a record was seen twice');
}
process.stdout.write(JSON.stringify({ listings, files: sizes.size, complaints }));
`;

const CHECKPOINTS = 40;

test('a reader in another process sees whole, committed files only, across restarts', async (t) => {
  const { fileSystem, clock } = realEnvironment();
  const root = fileSystem.makeTemporaryDirectory('millrace-file-sink-');
  const out = `${root}/out`;
  const writeWhole = (name: string, content: string): void => {
    {
      using file = fileSystem.open(`${root}/new`, 'write');
      file.append(Buffer.from(content));
    }
    fileSystem.rename(`${root}/new`, `${root}/${name}`);
  };
  writeWhole('completed', '0');
  const reader = spawn(process.execPath, ['-e', READER, out, `${root}/completed`, `${root}/stop`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(reader.stdout, 'readable');

  const sink = fileSink<{ id: number }>({
    path: out,
    format: jsonLinesFormat<{ id: number }>(),
    bucket: ({ id }) => `dt=${id % 2}`,
    rollingPolicy: { maxPartBytes: 200 },
  });
  const environment = { ...simulatedEnvironment({ seed: 1 }), clock, fileSystem } as never;
  let snapshots: StageSnapshot[] | undefined;
  let position = 0;
  let driver: StageDriver | undefined;
  for (let checkpointId = 1; checkpointId <= CHECKPOINTS; checkpointId++) {
    if (checkpointId % 7 === 1) {
      // Killed: what it has in progress stays behind, what it wrote after the checkpoint is written again.
      const attempt = { attemptNumber: checkpointId, restoredCheckpointId: checkpointId - 1 };
      driver = new StageDriver(
        sinkStage({ kind: 'sink', sink }),
        { environment, attempt },
        snapshots,
      );
      await driver.stage.backpressure?.();
    }
    const { stage } = driver as StageDriver;
    const rows = (from: number): [{ id: number }][] =>
      Array.from({ length: 100 }, (_, index) => [{ id: from + index }]);
    (driver as StageDriver).push(rows(position));
    snapshots = [stage.snapshot?.({ checkpointId, timestamp: 0, isSavepoint: false }) as never];
    const settled = stage.snapshotSettled?.();
    const isLast = checkpointId % 7 === 0;
    if (isLast) (driver as StageDriver).push(rows(position + 100));
    await settled;
    position += 100;
    writeWhole('completed', String(position));
    if (!isLast) await stage.notifyCheckpointComplete?.(checkpointId);
  }
  await driver?.stage.finish?.({ hasFinalCheckpoint: false });
  await driver?.stage.close?.();
  writeWhole('stop', '');
  const seen = JSON.parse((await text(reader.stdout)).replace(/^ready\n/, '')) as {
    readonly listings: number;
    readonly files: number;
    readonly complaints: readonly string[];
  };
  t.deepEqual(seen.complaints, []);
  t.true(seen.listings > 20, `${seen.listings} listings`);
  t.true(seen.files > 100, `${seen.files} files`);
  t.deepEqual(
    fileSystem.list(out).filter((name) => name.startsWith('.')),
    [],
    'nothing is left behind',
  );
  fileSystem.remove(root);
});
