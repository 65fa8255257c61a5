/** What the operating system tells of this process. */
import { readFileSync } from 'node:fs';

/** User and system seconds of all threads since the start. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Resident memory now, in MiB, as the Flink harness counts. */
export function residentMiB(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

/** The most that was resident at a time: Linux tells, elsewhere the C library does. */
export function peakResidentMiB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

/**
 * CPU seconds of the whole machine since its start, without idle time; undefined where Linux's
 * /proc is missing.
 */
export function machineBusySeconds(): number | undefined {
  try {
    const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/);
    const [, user, nice, system, , , interrupts, softInterrupts, stolen] = fields.map(Number);
    const busy = [user, nice, system, interrupts, softInterrupts, stolen];
    return busy.reduce<number>((sum, each) => sum + (each ?? 0), 0) / 100;
  } catch {
    return undefined;
  }
}
