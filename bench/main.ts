/**
 * `npm run bench -- <name|all> [--quick]` and `npm run bench -- versus-flink <name|all> [--pairs N]`: measures and prints one
 * JSON line per result. What each bench measures stands in README.md.
 */
import { parseArgs } from 'node:util';
import { idleBench } from './footprint/idle.ts';
import { memoryBench } from './footprint/memory.ts';
import { latencyBench } from './latency/latency.ts';
import { latencyRocksDBBench } from './latency/latency-rocksdb.ts';
import { pauseBench } from './latency/pause.ts';
import { startupBench } from './latency/startup.ts';
import { chainBench } from './micro/chain.ts';
import { codecBench } from './micro/codec.ts';
import { cutBench } from './micro/cut.ts';
import { ringBench } from './micro/ring.ts';
import { rowCodecBench } from './micro/row-codec.ts';
import { beyondMemoryBench, rocksdbMemoryBench } from './state/beyond-memory.ts';
import { checkpointOverheadBench } from './state/checkpoint-overhead.ts';
import { stateBench } from './state/state.ts';
import { type Bench, printResult } from './support/bench.ts';
import { throughputBenches } from './throughput/throughput.ts';
import { raceNames, versusFlink } from './versus-flink/versus-flink.ts';

const BENCHES: readonly Bench[] = [
  ringBench,
  codecBench,
  rowCodecBench,
  cutBench,
  chainBench,
  ...throughputBenches,
  latencyBench,
  latencyRocksDBBench,
  startupBench,
  pauseBench,
  idleBench,
  memoryBench,
  checkpointOverheadBench,
  stateBench,
  beyondMemoryBench,
  rocksdbMemoryBench,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, pairs: { type: 'string', default: '5' } },
});
process.exitCode = await main(positionals);

async function main([name, of = 'all']: readonly string[]): Promise<number> {
  if (name === 'versus-flink') {
    return versusFlink(of, { quick: values.quick, pairs: Number(values.pairs) });
  }
  const chosen = BENCHES.filter((bench) => name === 'all' || bench.name === name);
  if (chosen.length === 0) return usage(name);
  for (const bench of chosen) {
    for await (const result of bench.run({ quick: values.quick })) printResult(result);
  }
  return 0;
}

function usage(name: string | undefined): number {
  const names = BENCHES.map((bench) => bench.name).join(', ');
  const wrong = name === undefined ? '' : `there is no bench '${name}'\n`;
  process.stderr.write(
    `${wrong}npm run bench -- <name|all> [--quick]\n` +
      `  names: ${names}\n` +
      `npm run bench -- versus-flink <${raceNames.join('|')}|all> [--pairs N]\n`,
  );
  return 2;
}
