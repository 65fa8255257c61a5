/**
 * Operator ids: what ties state to an operator across runs and changes of a program.
 *
 * Invariants:
 * 1. With a uid the id depends on nothing else.
 * 2. Without one it depends on the kinds of the operator and of all that feeds it, and on which of
 *    several equal ones it is; not on names, parallelism, partitioners or what happens elsewhere in
 *    the program.
 */
import { digest } from '../base/digest.ts';
import { MillraceError } from '../base/errors.ts';
import type { StreamEdge, StreamNode } from './stream-graph.ts';

/**
 * The id of every node.
 *
 * @throws UID_DUPLICATE
 */
export function operatorIds(nodes: readonly StreamNode[]): ReadonlyMap<number, string> {
  requireDistinctUids(nodes);
  const ids = new Map<number, string>();
  const seen = new Map<string, number>();
  for (const node of nodes) {
    const text = node.uid === undefined ? structureText(node, ids) : `uid ${node.uid}`;
    const earlier = seen.get(text) ?? 0;
    seen.set(text, earlier + 1);
    ids.set(node.id, digest(earlier === 0 ? text : `${text} #${earlier}`));
  }
  return ids;
}

function structureText(node: StreamNode, ids: ReadonlyMap<number, string>): string {
  const inputs = node.inputs.map((edge) => inputText(edge, ids));
  return JSON.stringify(['structure', node.spec.kind, ...inputs]);
}

function inputText(edge: StreamEdge, ids: ReadonlyMap<number, string>): string {
  const keyed = edge.partitioner.kind === 'hash' ? 'keyed' : '';
  const input = edge.input === 0 ? '' : ` into ${edge.input}`;
  return `${ids.get(edge.source)} ${keyed} ${edge.tag ?? ''}${input}`;
}

function requireDistinctUids(nodes: readonly StreamNode[]): void {
  const names = new Map<string, string>();
  for (const { uid, name } of nodes) {
    if (uid === undefined) continue;
    const other = names.get(uid);
    if (other !== undefined) {
      throw new MillraceError(
        'UID_DUPLICATE',
        `operators '${other}' and '${name}' both have uid '${uid}': give each its own`,
        { details: { uid } },
      );
    }
    names.set(uid, name);
  }
}
