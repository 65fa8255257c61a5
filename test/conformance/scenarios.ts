/**
 * The scenarios of other engines beside the project, if they are there, and the list of those that
 * do not apply.
 */
import { existsSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../../shared/conformance/windows/', import.meta.url);
const KNOWN = new URL('known.md', import.meta.url);

/** Whether the scenarios are there. */
export const hasScenarios: boolean = existsSync(FOLDER);

/** Anything with an id. */
export interface Scenario {
  readonly id: string;
}

/** A record that is expected, or a watermark. */
export type Expected =
  | { readonly value: unknown; readonly ts: number }
  | { readonly watermark: number };

/** A step of {@link WindowScenario}: it has one of these. */
export interface WindowStep {
  readonly element?: readonly [string, number];
  readonly ts?: number;
  readonly watermark?: number;
  readonly processingTime?: number;
  readonly restore?: true;
  readonly expect?: readonly Expected[];
  readonly expectLate?: readonly Expected[];
}

/** A part of an operator: its name, or its name with arguments. */
export type Part = string | { readonly type: string; readonly args?: readonly unknown[] };

/** A test of Flink's window operator. */
export interface WindowScenario extends Scenario {
  readonly operator: {
    readonly assigner: Part;
    readonly trigger: Part;
    readonly evictor?: Part;
    readonly state: 'list' | 'reduce';
    readonly function: string;
    readonly allowedLatenessMs: number;
    readonly lateOutput?: boolean;
  };
  readonly steps: readonly WindowStep[];
}

/** A test of a Flink assigner. */
export interface AssignerScenario extends Scenario {
  readonly assigner: { readonly type: string; readonly argsMs: readonly number[] };
  readonly checks: readonly {
    readonly ts: number | null;
    readonly processingTime: number | null;
    readonly windows: readonly (readonly [number, number])[];
  }[];
}

/** A step of {@link JoinScenario}: it has one of these. */
export interface JoinStep {
  readonly left?: number;
  readonly right?: number;
  readonly ts?: number;
  readonly leftWatermark?: number;
  readonly rightWatermark?: number;
  readonly expect?: readonly (readonly [number, number])[];
  readonly lateRecords?: readonly number[];
  readonly leftLate?: readonly number[];
  readonly rightLate?: readonly number[];
  readonly bufferContains?: BufferCheck;
  readonly bufferEmpty?: BufferCheck;
}

/** What a side of a join holds. */
export interface BufferCheck {
  readonly side: 'left' | 'right';
  readonly elements: readonly number[];
}

/** A test of Flink's interval join. */
export interface JoinScenario extends Scenario {
  readonly alsoWithSidesSwappedInTime?: true;
  readonly operator: {
    readonly lower: number;
    readonly lowerInclusive: boolean;
    readonly upper: number;
    readonly upperInclusive: boolean;
  };
  readonly steps: readonly JoinStep[];
}

/** A pane of Beam; what is absent is not checked. */
export interface BeamPane {
  readonly window: readonly [number, number];
  readonly values?: readonly number[];
  readonly timestamp?: number;
}

/** A transcript of Beam's model. */
export interface BeamScenario extends Scenario {
  readonly window: { readonly type: string; readonly size?: number; readonly gap?: number };
  readonly trigger: { readonly type: string; readonly count?: number };
  readonly accumulation: 'accumulating' | 'discarding';
  readonly allowedLateness?: number;
  readonly steps: readonly {
    readonly input?: readonly number[];
    readonly watermark?: number;
    readonly expect?: readonly BeamPane[];
    /** Beam's own bookkeeping of panes; not looked at. */
    readonly state?: unknown;
  }[];
}

/** The scenarios of a file; none if they are not there. */
export function readScenarios<S extends Scenario>(file: string): readonly S[] {
  if (!hasScenarios) return [];
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as S[];
}

/** Ids of scenarios that do not apply. */
export function knownIds(): ReadonlySet<string> {
  const rows = readFileSync(KNOWN, 'utf8').matchAll(/^\| ([a-z]+\.[\w.]+) \|/gm);
  return new Set(Array.from(rows, ([, id]) => id as string));
}

/** Java's greatest long stands for a time that never comes. */
export function time(ms: number): number {
  return ms >= Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : ms;
}
