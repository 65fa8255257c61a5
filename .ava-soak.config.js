/**
 * The long tests, `npm run test:soak`, one file at a time: random programs in every executor, and frames between real threads,
 * with their counts times MILLRACE_SOAK_FACTOR (20 if it is not set).
 */
export default {
  files: ['test/simulation/executors.test.ts', 'src/runtime/ring/ring-threads.test.ts'],
  environmentVariables: {
    MILLRACE_SOAK_FACTOR: process.env['MILLRACE_SOAK_FACTOR'] ?? '20',
  },
  extensions: ['ts'],
  timeout: '60m',
  workerThreads: false,
  concurrency: 1,
};
