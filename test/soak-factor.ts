/** By how much the long tests are longer than the suite's: see `.ava-soak.config.js`. */
export const soakFactor: number = Number(process.env['MILLRACE_SOAK_FACTOR'] ?? 1);
