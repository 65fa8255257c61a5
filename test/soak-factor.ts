/** By how much the long tests (`soak.ts`) are longer than the suite's. */
export const soakFactor: number = Number(process.env['MILLRACE_SOAK_FACTOR'] ?? 1);
