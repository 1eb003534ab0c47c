/**
 * YAML text to nodes that know their place. In: text. Out: its documents, or the places where it is no YAML. YAML 1.2 whatever a
 * directive says (`yes` is a text), no merge keys, no custom tags. Duplicate keys are left to whoever reads the values, because they harm
 * one service and not the text.
 */
import { type Alias, type Document, isAlias, isCollection, isPair, type Node, parseAllDocuments } from 'yaml';

export type YamlDocument = Document.Parsed;

export interface SyntaxProblem {
  readonly offset: number;
  readonly text: string;
}

export type YamlText =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly problems: readonly SyntaxProblem[] };

/** One slip makes the parser stumble many times; the first places say enough. */
const MOST_PROBLEMS = 5;
/** The parser recurses: brackets nested some hundred deep end its stack, which it throws or reports. */
const TOO_DEEP = 'is nested too deeply';

export function readYamlText(text: string): YamlText {
  let documents: readonly YamlDocument[];
  try {
    documents = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      keepSourceTokens: true,
      logLevel: 'silent',
    });
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, problems: [{ offset: 0, text: TOO_DEEP }] };
    throw error;
  }
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length === 0) return { ok: true, documents };
  const problems = errors.slice(0, MOST_PROBLEMS).map((error) => ({
    offset: error.pos[0],
    text: /call stack/.test(error.message) ? TOO_DEEP : `is no YAML: ${error.message}`,
  }));
  return { ok: false, problems };
}

/** What each alias stands for: the last node before it with that anchor; null where there is none. */
export function aliasTargets(document: YamlDocument): ReadonlyMap<Alias, Node | null> {
  const targets = new Map<Alias, Node | null>();
  const anchors = new Map<string, Node>();
  const rest: unknown[] = [document.contents];
  while (rest.length > 0) {
    const item = rest.pop();
    if (isPair(item)) rest.push(item.value, item.key);
    else if (isAlias(item)) targets.set(item, anchors.get(item.source) ?? null);
    else if (item !== null && typeof item === 'object') {
      const node = item as Node & { anchor?: string };
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isCollection(item)) for (let i = item.items.length - 1; i >= 0; i--) rest.push(item.items[i]);
    }
  }
  return targets;
}
