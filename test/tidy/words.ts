/** Words that we do not use, since Flink has another or since they mean too much. */
import ts from 'typescript';
import { type Finding, finding, isTestFile, type SourceFile, walk } from './source-file.ts';

const BANNED: Readonly<Record<string, string>> = {
  pipeline: 'job, chain or graph',
  stage: 'operator or task (only ChainStage is called so)',
  processor: 'operator or function',
  actor: 'task or worker',
  lane: 'column',
};

/** Flink's own: the options under `pipeline.*`, and the kind of an edge. */
const ALLOWED = new Set(['PipelineConfiguration', 'PIPELINED']);

/** Banned words inside identifiers. */
export function checkWords(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter(({ path }) => !isTestFile(path)).flatMap(checkFile);
}

function checkFile(file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  // A stage is a ChainStage where that type is at hand, and nowhere else.
  const knowsChainStage = /ChainStage|chain-stage\.ts/.test(file.text);
  walk(file.tree, (node) => {
    if (!ts.isIdentifier(node) && !ts.isPrivateIdentifier(node)) return;
    if (ALLOWED.has(node.text)) return;
    for (const word of wordsOf(node.text)) {
      const better = Object.hasOwn(BANNED, word) ? BANNED[word] : undefined;
      if (better === undefined || (word === 'stage' && knowsChainStage)) continue;
      findings.push(finding(file, node, `'${node.text}': say ${better} instead of ${word}`));
    }
  });
  return findings;
}

/** The words of a name, in lower case and singular. */
function wordsOf(name: string): readonly string[] {
  const parts = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[^A-Za-z]+/);
  return parts.map((part) => part.toLowerCase().replace(/s$/, ''));
}
