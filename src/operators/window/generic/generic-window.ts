/**
 * The stage of keyed windows that the operator of aligned windows does not do: see {@link
 * GenericWindowOperator}.
 */
import type { GenericWindowSpec } from '../../../graph/operator-spec.ts';
import type { ChainStage } from '../../chain-stage.ts';
import { userObject } from '../../user-function.ts';
import { GenericWindowOperator } from './generic-window-operator.ts';

/** The stage of a keyed window of any form. */
export function genericWindowStage(spec: GenericWindowSpec): ChainStage {
  const user = userObject(spec.windowFunction ?? {});
  let operator: GenericWindowOperator;
  return {
    kind: 'generic-window',
    inputCount: 1,
    keyed: true,
    ...user.life,
    open: (context) => {
      operator = new GenericWindowOperator(spec, context);
      user.open(context, operator.parts.states.global);
    },
    onBatch: (batch) => operator.onBatch(batch),
    onWatermark: (watermark) => operator.onWatermark(watermark),
    onProcessingTime: (nowMs) => operator.onClock(nowMs),
    snapshot: (snapshotContext) => {
      user.life.snapshot?.(snapshotContext);
      return operator.snapshot();
    },
    restore: () => operator.restore(),
  };
}
