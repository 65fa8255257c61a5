/** One window for all records of a key. It never ends, so that only a trigger makes it fire. */
import { EndOfStreamTrigger } from './triggers/end-of-stream-trigger.ts';
import { NeverTrigger } from './triggers/never-trigger.ts';
import type { Trigger } from './triggers/trigger.ts';
import { GLOBAL_WINDOW, type GlobalWindow } from './window.ts';
import type { WindowAssigner } from './window-assigner.ts';

const ALL: readonly GlobalWindow[] = Object.freeze([GLOBAL_WINDOW]);

/** See the file's head. */
export class GlobalWindows implements WindowAssigner<unknown, GlobalWindow> {
  readonly defaultTrigger: Trigger<unknown, GlobalWindow>;

  private constructor(defaultTrigger: Trigger<unknown, GlobalWindow>) {
    this.defaultTrigger = defaultTrigger;
    Object.freeze(this);
  }

  /** Nothing fires unless a trigger is set. */
  static create(): GlobalWindows {
    return new GlobalWindows(NeverTrigger.create());
  }

  /** Fires once, when the input has ended. */
  static createWithEndOfStreamTrigger(): GlobalWindows {
    return new GlobalWindows(EndOfStreamTrigger.create());
  }

  isEventTime(): boolean {
    return false;
  }

  assignWindows(): readonly GlobalWindow[] {
    return ALL;
  }

  getDefaultTrigger(): Trigger<unknown, GlobalWindow> {
    return this.defaultTrigger;
  }
}
