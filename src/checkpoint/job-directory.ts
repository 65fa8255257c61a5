/** A process's hold on a job's folder. */
export interface JobOwnership {
  /** Grows with each owner. */
  readonly epoch: number;
  /** Whether no other process has taken the job over. */
  isHeld(): boolean;
  /** Gives it back, for the next owner in this or another process. */
  release(): Promise<void>;
}
