/** The parts of a {@link GenericWindowOperator}, put together. */
import { isMerging } from '../../../functions/windowing/window-assigner.ts';
import type { GenericWindowSpec } from '../../../graph/operator-spec.ts';
import { InternalTimerService } from '../../../state/timers/internal-timer-service.ts';
import type { Triggerable } from '../../../state/timers/internal-timer-service.ts';
import type { TypeInformation } from '../../../types/type-information.ts';
import { types } from '../../../types/types.ts';
import type { StageContext } from '../../chain-stage.ts';
import { OperatorAssignerContext } from './assigner-context.ts';
import { contentsFold, timestampedFold } from './contents-fold.ts';
import { ContentsState } from './contents-state.ts';
import { CurrentWindowKey } from './current-key.ts';
import { MergingWindowSet } from './merging-window-set.ts';
import { OperatorTriggerContext } from './operator-trigger-context.ts';
import type { OperatorTime } from './operator-trigger-context.ts';
import { WindowEvaluation } from './window-evaluation.ts';
import { WindowFunctionContext } from './window-function-context.ts';
import { hasNamespaces } from './window-namespaces.ts';
import { WindowStates } from './window-states.ts';

/** See the file's head. */
export interface WindowParts {
  readonly key: CurrentWindowKey;
  readonly timers: InternalTimerService;
  readonly contents: ContentsState;
  /** Where windows merge. */
  readonly windowSet: MergingWindowSet | undefined;
  readonly states: WindowStates;
  readonly triggerContext: OperatorTriggerContext;
  readonly assignerContext: OperatorAssignerContext;
  readonly evaluation: WindowEvaluation;
}

/** Makes the parts of an operator, which tells the time and takes the timers. */
export function makeWindowParts(
  spec: GenericWindowSpec,
  context: StageContext,
  operator: OperatorTime & Triggerable,
): WindowParts {
  const { assigner } = spec;
  const { keyedState } = context;
  const key = new CurrentWindowKey();
  const states = new WindowStates(context, key);
  const timers = makeTimers(spec, context, { key, operator });
  const fold =
    spec.evictor === undefined
      ? contentsFold(spec.contents, context.operatorName)
      : timestampedFold();
  const contents = new ContentsState({
    backend: keyedState,
    key,
    fold,
    valueType: contentsType(spec, context),
  });
  const common = { context, time: operator, states };
  const functionContext = new WindowFunctionContext({ ...common, isMerging: isMerging(assigner) });
  const evaluationParts = { spec, context, time: operator, key, contents, fold, functionContext };
  return {
    key,
    timers,
    contents,
    windowSet: isMerging(assigner) ? new MergingWindowSet(assigner, keyedState, key) : undefined,
    states,
    triggerContext: new OperatorTriggerContext({ ...common, timers }),
    assignerContext: new OperatorAssignerContext(
      context.runtimeContext.environment.random,
      operator,
    ),
    evaluation: new WindowEvaluation(evaluationParts),
  };
}

function makeTimers(
  { assigner }: GenericWindowSpec,
  context: StageContext,
  { key, operator }: { readonly key: CurrentWindowKey; readonly operator: Triggerable },
): InternalTimerService {
  return new InternalTimerService({
    backend: context.keyedState,
    operatorName: context.operatorName,
    keyContext: key,
    target: operator,
    // A timer is due when the clock has passed its time.
    wakeAt: (epochMs) => context.wakeAt(epochMs + 1),
    clock: context.runtimeContext.environment.clock,
    hasNamespaces: hasNamespaces(assigner),
  });
}

/** The type of one record as it is kept, or of a reduce's value, where the input's is known. */
function contentsType(
  { contents, evictor }: GenericWindowSpec,
  { inputType }: StageContext,
): TypeInformation<unknown> | undefined {
  if (inputType === undefined) return undefined;
  if (evictor !== undefined) return types.row({ value: inputType, timestamp: types.double });
  return contents.kind === 'aggregate' ? undefined : inputType;
}
