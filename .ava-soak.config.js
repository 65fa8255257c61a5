/** The long tests: `npm run test:soak` runs the files named `*.soak.ts`, one at a time. */
export default {
  files: ['{src,native-free,bench,test}/**/*.soak.ts'],
  extensions: ['ts'],
  timeout: '60m',
  workerThreads: false,
  concurrency: 1,
};
