/**
 * The files that states name: found, and given other paths.
 * Invariant: every `FileRef` of a subtask's state is known here and nowhere else.
 */
import type { BaseHandle, FileRef, KeyedStateHandle } from '../state/snapshot.ts';
import type { ManifestSubtask } from './manifest.ts';
import type { OperatorSubtaskState } from './subtask-state.ts';

/** The files that these parts name, once each, sorted by path. */
export function filesOf(subtasks: readonly ManifestSubtask[]): readonly FileRef[] {
  const files = new Map<string, FileRef>();
  const visit = (file: FileRef): FileRef => {
    files.set(file.path, file);
    return file;
  };
  for (const subtask of subtasks) mapFiles(subtask, visit);
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The same part with each file replaced. */
export function mapFiles(
  subtask: ManifestSubtask,
  change: (file: FileRef) => FileRef,
): ManifestSubtask {
  return {
    ...subtask,
    operators: subtask.operators.map((operator) => mapOperator(operator, change)),
    channels: subtask.channels.map((channel) => ({ ...channel, file: change(channel.file) })),
  };
}

function mapOperator(
  operator: OperatorSubtaskState,
  change: (file: FileRef) => FileRef,
): OperatorSubtaskState {
  const { keyed } = operator;
  return { ...operator, keyed: keyed === undefined ? undefined : mapHandle(keyed, change) };
}

function mapHandle(handle: KeyedStateHandle, change: (file: FileRef) => FileRef): KeyedStateHandle {
  return {
    ...handle,
    base: handle.base === undefined ? undefined : mapBase(handle.base, change),
    segments: handle.segments.map(change),
  };
}

function mapBase(base: BaseHandle, change: (file: FileRef) => FileRef): BaseHandle {
  if (base.kind === 'segments') return { ...base, files: base.files.map(change) };
  return {
    ...base,
    files: base.files.map(({ name, file }) => ({ name, file: change(file) })),
    filter: base.filter === undefined ? undefined : change(base.filter),
  };
}
