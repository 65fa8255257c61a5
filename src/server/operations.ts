/**
 * What takes long (checkpoints, savepoints, stops) is begun by one request and asked for by others.
 *
 * Invariants:
 * 1. An operation is begun once per trigger id, however often the request is repeated.
 * 2. Up to {@link OPERATIONS_MAX} are remembered; the oldest completed ones are forgotten first,
 *    running ones never.
 * 3. A failure of the operation is its outcome; it goes nowhere else.
 */
import type { Environment, Timer } from '../base/environment.ts';
import { newJobId } from '../base/ids.ts';
import type { CheckpointInfo } from '../graph/job-client.ts';
import { RequestError } from './http-error.ts';
import { failureBody } from './job-bodies.ts';
import type { OperationBody } from './routes.ts';

const OPERATIONS_MAX = 100;

interface Operation {
  readonly kind: OperationKind;
  outcome: OperationBody['operation'] | undefined;
  /** Whether a client has read the outcome. */
  isTold: boolean;
}

/** Which route asks for the status. */
export type OperationKind = 'checkpoint' | 'savepoint';

/** See the file's head. */
export class Operations {
  readonly #environment: Pick<Environment, 'clock' | 'random'>;
  readonly #operations = new Map<string, Operation>();
  #onTold: (() => void) | undefined;

  constructor(environment: Pick<Environment, 'clock' | 'random'>) {
    this.#environment = environment;
  }

  /** Begins it, unless one of that trigger id was; returns the id to ask with. */
  begin(
    kind: OperationKind,
    triggerId: string | undefined,
    start: () => Promise<CheckpointInfo>,
  ): string {
    const id = checkedId(triggerId) ?? newJobId(this.#environment);
    if (this.#operations.has(id)) return id;
    this.#makeRoom();
    const operation: Operation = { kind, outcome: undefined, isTold: false };
    this.#operations.set(id, operation);
    // A promise that is made inside, so that a call that throws is an outcome, too.
    void new Promise<CheckpointInfo>((resolve) => resolve(start())).then(
      ({ path, checkpointId, durationMs }) => {
        operation.outcome = { location: path, checkpointId, durationMs };
      },
      (error: unknown) => {
        operation.outcome = { 'failure-cause': failureBody(error) };
      },
    );
    return id;
  }

  status(kind: OperationKind, id: string): OperationBody {
    const operation = this.#operations.get(id);
    if (operation?.kind !== kind) {
      throw new RequestError(404, `there is no ${kind} request of that id`);
    }
    if (operation.outcome === undefined) return { status: { id: 'IN_PROGRESS' } };
    operation.isTold = true;
    if (this.isAllTold()) this.#onTold?.();
    return { status: { id: 'COMPLETED' }, operation: operation.outcome };
  }

  /** Whether nobody waits for an outcome. */
  isAllTold(): boolean {
    return [...this.#operations.values()].every((operation) => operation.isTold);
  }

  /** Resolves when every outcome has been read, or after that long: clients may have gone. */
  async allTold(timeoutMs: number): Promise<void> {
    if (this.isAllTold()) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      timer = this.#environment.clock.setTimer(timeoutMs, resolve);
      this.#onTold = resolve;
    });
    timer?.cancel();
  }

  #makeRoom(): void {
    if (this.#operations.size < OPERATIONS_MAX) return;
    for (const [id, { outcome }] of this.#operations) {
      if (outcome === undefined) continue;
      this.#operations.delete(id);
      return;
    }
    throw new RequestError(429, `${OPERATIONS_MAX} requests are in progress: wait for them`, {
      code: 'ILLEGAL_STATE',
    });
  }
}

function checkedId(triggerId: string | undefined): string | undefined {
  if (triggerId === undefined || /^[0-9a-f]{32}$/.test(triggerId)) return triggerId;
  throw new RequestError(400, 'field triggerId must be 32 hexadecimal digits');
}
