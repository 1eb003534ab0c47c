/**
 * YAML text to nodes that know their place. In: text. Out: its documents, or the places where it is no YAML. YAML 1.2 whatever a
 * directive says (`yes` is a text), no merge keys, no custom tags. Duplicate keys are left to whoever reads the values, because they harm
 * one service and not the text.
 */
import { type Alias, type Document, isAlias, isCollection, isPair, Lexer, type Node, parseAllDocuments } from 'yaml';
import { visible } from './quote.ts';

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
/** Where brackets alone make it sure that the stack will end: a MiB of them takes the parser seconds to fail. */
const DEEPEST_BRACKETS = 1_000;

export function readYamlText(text: string): YamlText {
  const tooDeepAt = tooDeepOffset(text);
  if (tooDeepAt !== null) return { ok: false, problems: [{ offset: tooDeepAt, text: TOO_DEEP }] };
  let documents: readonly YamlDocument[];
  try {
    documents = withoutStackTraces(() =>
      parseAllDocuments(text, {
        version: '1.2',
        schema: 'core',
        resolveKnownTags: false,
        merge: false,
        uniqueKeys: false,
        prettyErrors: false,
        logLevel: 'silent',
      }),
    );
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, problems: [{ offset: 0, text: TOO_DEEP }] };
    throw error;
  }
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length === 0) return { ok: true, documents };
  const problems = errors.slice(0, MOST_PROBLEMS).map((error) => ({
    offset: error.pos[0],
    text: /call stack|Stack overflow/.test(error.message) ? TOO_DEEP : `is no YAML: ${visible(error.message, 200)}`,
  }));
  return { ok: false, problems };
}

/** Each stumble of the parser is an Error: a MiB of commas is a million, 9 s with their stack traces and 1 s without. */
function withoutStackTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Where open brackets are nested too deep; null in nearly every text after one look at its characters. */
function tooDeepOffset(text: string): number | null {
  if (deepestBrackets(text) <= DEEPEST_BRACKETS) return null;
  // Some may stand in comments and quoted texts, which only the lexer knows.
  let depth = 0;
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth > DEEPEST_BRACKETS) return offset;
    offset += NO_TEXT.has(token) ? 0 : token.length;
  }
  return null;
}

/** Signs that the lexer puts between tokens, which stand for no text: a document, the end of a flow, a scalar. */
const NO_TEXT: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);

function deepestBrackets(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (depth > 0 && (code === 0x5d || code === 0x7d)) depth--;
  }
  return deepest;
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
