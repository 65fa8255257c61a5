/** Names a side output and carries the type of its records. */
import type { TypeInformation } from '../types/type-information.ts';

/**
 * A side output's name and type; two tags with the same id are the same output.
 *
 * @example
 * const late = new OutputTag<Flight>('late-flights');
 */
export class OutputTag<T> {
  /** Unique within an operator; not empty. */
  readonly id: string;
  /** The records' type, if declared; else captured from the first record. */
  readonly type: TypeInformation<T> | undefined;

  constructor(id: string, type?: TypeInformation<T>) {
    this.id = id;
    this.type = type;
  }
}
