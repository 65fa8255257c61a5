/** What the golden savepoints have in common. */

/** Records of their program's input. */
export const GOLDEN_COUNT = 480;
/** How many had been read. */
export const GOLDEN_FIRST = 200;
