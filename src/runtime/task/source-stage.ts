/** The head of a source's chain: timestamps and watermarks as its strategy says. */
import type { SourceSpec } from '../../graph/operator-spec.ts';
import type { ChainStage } from '../../operators/chain-stage.ts';
import { timestampsAndWatermarksStage } from '../../operators/source/timestamps-and-watermarks.ts';

/** The stage of a source; the reader is driven by the task. */
export function sourceStage({ strategy }: SourceSpec): ChainStage {
  if (strategy.generator.kind === 'none' && strategy.timestampAssigner === undefined) {
    return {
      kind: 'source',
      inputCount: 1,
      keyed: false,
      isOneToOne: true,
      ownsWatermarks: true,
      open: () => undefined,
      onRow: (loop, row) => loop.emit(row),
    };
  }
  return timestampsAndWatermarksStage({ kind: 'timestamps-and-watermarks', strategy });
}
