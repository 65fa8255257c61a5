/**
 * The collector of a function whose outputs take the timestamp of the record that is being
 * processed.
 */
import type { Collector } from '../functions/collector.ts';
import { NO_TIMESTAMP } from './chain-stage.ts';
import type { Emit } from './chain-stage.ts';

/** One per stage; `timestamp` is set before each record. */
export class TimestampedCollector implements Collector<unknown> {
  timestamp: number = NO_TIMESTAMP;
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  collect(record: unknown): void {
    this.emit(record, this.timestamp);
  }
}
