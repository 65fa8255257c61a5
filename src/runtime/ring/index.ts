/** `millrace/ring`: a ring of variable-length frames between two threads, usable on its own. */
export { Doorbell } from './doorbell.ts';
export { allocateRing } from './memory.ts';
export { RingReader } from './ring-reader.ts';
export { RingWriter } from './ring-writer.ts';
export type { FrameMemory } from '../../types/frame-memory.ts';
