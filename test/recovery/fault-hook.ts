/**
 * Preloaded into the processes and threads of a job under test (`node --import`): tells the parent
 * of every fault point by a pipe, and kills the process at the one that it is asked to die at.
 *
 *     MILLRACE_TEST_TRACE_FD=3            one byte per point, its index in `faultPoints`
 *     MILLRACE_TEST_CRASH_AT=manifest.rename:2     the second time that any thread comes there
 */
import { writeSync } from 'node:fs';
import { faultPoints, type FaultPoint } from '../../src/base/fault-points.ts';
import { FAULT_POINT_HOOK } from '../../src/base/real-environment.ts';

const traceFd = Number(process.env['MILLRACE_TEST_TRACE_FD'] ?? Number.NaN);
const [crashPoint, crashCount = '1'] = (process.env['MILLRACE_TEST_CRASH_AT'] ?? '').split(':');
const indexOf = new Map(faultPoints.map((point, index) => [point, index]));
let left = Number(crashCount);

function faultPoint(point: FaultPoint): void {
  if (!Number.isNaN(traceFd)) writeSync(traceFd, Uint8Array.of(indexOf.get(point) ?? 255));
  if (point === crashPoint && --left === 0) process.kill(process.pid, 'SIGKILL');
}

(globalThis as unknown as Record<symbol, unknown>)[FAULT_POINT_HOOK] = faultPoint;
