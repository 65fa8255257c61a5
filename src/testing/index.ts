/**
 * `millrace/testing`: jobs under virtual time, with a seeded order of every step. Import it beside
 * `millrace`, whose sources and sinks it runs; it brings the executor `simulated`.
 */
import { registerJobExecutor } from '../graph/job-client.ts';
import { simulatedExecutor } from '../job/simulated-executor.ts';

registerJobExecutor('simulated', simulatedExecutor());

export { type MemoryFileSystem } from '../base/memory-file-system.ts';
export { type SeededRandom } from '../base/seeded-random.ts';
export { type SimulatedClock } from '../base/simulated-clock.ts';
export {
  type SimulatedEnvironment,
  simulatedEnvironment,
  type SimulatedEnvironmentOptions,
} from '../base/simulated-environment.ts';
export { type SimulatedNetwork } from '../base/simulated-network.ts';
export { runSimulated, type SimulatedRun, type SimulatedRunOptions } from './run-simulated.ts';
export {
  type HarnessElement,
  type HarnessRecord,
} from './harness/harness-channels.ts';
export { type HarnessResult } from './harness/harness-program.ts';
export {
  OperatorTestHarness,
  type OperatorTestHarnessOptions,
} from './harness/operator-test-harness.ts';
export { type FaultKind, type FaultRates, NO_FAULTS } from '../base/simulated-faults.ts';
export { type HarnessSnapshot } from './harness/harness-snapshots.ts';
export { type ResultDifferences } from './simulation/compare-results.ts';
export {
  simulate,
  type SimulateOptions,
  type SimulationJob,
  type SimulationMain,
  type SimulationReport,
} from './simulation/simulate.ts';
export {
  type TransactionCommittable,
  type TransactionalSinkOptions,
  type TransactionalWriterState,
  transactionalSink,
} from './transactional/transactional-sink.ts';
export {
  type CommitRules,
  fileTransactionalStore,
  memoryTransactionalStore,
  TransactionalStore,
} from './transactional/transactional-store.ts';
export {
  type TransactionEvent,
  type TransactionLog,
  type TransactionOrigin,
} from './transactional/transaction-log.ts';
