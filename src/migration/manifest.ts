/**
 * Where in a file the configuration stands. In: a source's text. Out: the text of the configuration and how its offsets map into
 * the file's own: the file itself, or the `migration.yaml` of a `kind: ConfigMap` manifest in it. Knows nothing of the
 * configuration's keys.
 */
import { type Document, isMap, isScalar, type Node, type Scalar } from 'yaml';
import type { ConfigErrorCode } from './errors.ts';
import { LineIndex } from './line-index.ts';
import { quote } from './quote.ts';
import { readYamlText, type YamlDocument } from './yaml-text.ts';

export interface Source {
  /** As errors name it. */
  readonly file: string;
  readonly text: string;
  /** `file`: may be a manifest. `configmap`: the text of the key itself, as the API gives it. */
  readonly kind: 'file' | 'configmap';
}

export interface ConfigText {
  readonly document: YamlDocument;
  /** Of the whole source. */
  readonly lines: LineIndex;
  /** From an offset in the configuration's text to one in the source's. */
  readonly toSource: (offset: number) => number;
  /** How the configuration's text stands in the source: `nowhere` exactly where a quoted scalar hides it. */
  readonly embedding: 'itself' | 'block' | 'nowhere';
  /** Columns that each line of a block is indented by; 0 for a text by itself. */
  readonly indent: number;
  readonly isManifest: boolean;
}

/** What makes all of a source unusable. */
export interface SourceProblem {
  readonly code: ConfigErrorCode;
  readonly offset: number;
  readonly text: string;
}

export type Opened =
  | { readonly ok: true; readonly config: ConfigText }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] };

const KEY = 'migration.yaml';

export function openSource(source: Source, lines: LineIndex): Opened {
  const read = readYamlText(source.text);
  if (!read.ok) return { ok: false, problems: read.problems.map((problem) => ({ ...problem, code: 'syntax' })) };
  const documents = read.documents.filter((document) => !isEmpty(document));
  const manifests = source.kind === 'file' ? documents.filter(isConfigMap) : [];
  if (manifests.length > 0) return openManifest(manifests, lines);
  if (documents.length === 0) return wrong('empty', 0, 'is empty; for example services: [ … ]');
  if (documents.length > 1) {
    return wrong(
      'bad_value',
      documents[1].range[0],
      'has several documents; a configuration is one, with one services list',
    );
  }
  return {
    ok: true,
    config: {
      document: documents[0],
      lines,
      toSource: (offset) => offset,
      embedding: 'itself',
      indent: 0,
      isManifest: false,
    },
  };
}

function openManifest(manifests: readonly YamlDocument[], lines: LineIndex): Opened {
  const holding = manifests.filter((document) => document.hasIn(['data', KEY]));
  if (holding.length === 0) {
    return wrong('missing_key', manifests[0].range[0], `this ConfigMap has no key ${KEY} under data`);
  }
  if (holding.length > 1) return wrong('bad_value', holding[1].range[0], `a second ConfigMap with the key ${KEY}`);
  const scalar: unknown = holding[0].getIn(['data', KEY], true);
  if (!isScalar(scalar) || typeof scalar.value !== 'string') {
    const offset = (scalar as Node | undefined)?.range?.[0] ?? holding[0].range[0];
    return wrong(
      'wrong_type',
      offset,
      `data[${quote(KEY)}] must be a text; for example ${KEY}: | and the text indented below`,
    );
  }
  return openEmbedded(scalar as Scalar<string>, lines);
}

function openEmbedded(scalar: Scalar<string>, lines: LineIndex): Opened {
  const offset = scalar.range?.[0] ?? 0;
  const block = blockMap(scalar, lines);
  const toSource = block?.toSource ?? (() => offset);
  const read = readYamlText(scalar.value);
  if (!read.ok) {
    const problems = read.problems.map(({ offset: inner, text }) => ({
      code: 'syntax' as const,
      offset: toSource(inner),
      text,
    }));
    return { ok: false, problems };
  }
  const documents = read.documents.filter((document) => !isEmpty(document));
  if (documents.length === 0) return wrong('empty', offset, `data[${quote(KEY)}] is empty`);
  if (documents.length > 1) {
    return wrong('bad_value', toSource(documents[1].range[0]), 'has several documents; a configuration is one');
  }
  const embedding = block === null ? 'nowhere' : 'block';
  const config = {
    document: documents[0],
    lines,
    toSource,
    embedding,
    indent: block?.indent ?? 0,
    isManifest: true,
  } as const;
  return { ok: true, config };
}

/**
 * A literal block keeps one line per line, each behind the same indent. Null where the lines do not stand there as they read
 * (folded, quoted and plain scalars).
 */
function blockMap(
  scalar: Scalar<string>,
  lines: LineIndex,
): { toSource: (offset: number) => number; indent: number } | null {
  if (scalar.type !== 'BLOCK_LITERAL' || scalar.range === undefined || scalar.range === null) return null;
  const inner = new LineIndex(scalar.value);
  const firstLine = lines.lineAt(scalar.range[0]) + 1;
  const texts = inner.starts.map((_, i) => ({ inner: inner.lineText(i), outer: lines.lineText(firstLine + i) }));
  const filled = texts.find((line) => line.inner !== '');
  if (filled === undefined) return null;
  const indent = filled.outer.length - filled.inner.length;
  const isHere = (line: { inner: string; outer: string }) =>
    line.inner === '' || line.outer.slice(indent) === line.inner;
  if (indent < 1 || !texts.every(isHere)) return null;
  const toSource = (offset: number): number => {
    const line = inner.lineAt(offset);
    const column = offset - inner.starts[line];
    const width = texts[line].outer.length;
    return (lines.starts[firstLine + line] ?? lines.text.length) + Math.min(indent + column, width);
  };
  return { toSource, indent };
}

function isConfigMap(document: YamlDocument): boolean {
  const kind: unknown = isMap(document.contents) ? document.contents.get('kind') : null;
  return kind === 'ConfigMap';
}

function isEmpty(document: Document.Parsed): boolean {
  return document.contents === null || (isScalar(document.contents) && document.contents.value === null);
}

function wrong(code: ConfigErrorCode, offset: number, text: string): Opened {
  return { ok: false, problems: [{ code, offset, text }] };
}
