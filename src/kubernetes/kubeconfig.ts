/**
 * The entries of kubeconfig files that the current context names: files in, one cluster and one user as they are written there
 * out, their paths made absolute. Throws an Error in plain words that names the file; no line of it is shown: tokens stand in them.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';

/** Keys as in the file. */
export type Entry = Readonly<Record<string, unknown>>;

export interface CurrentContext {
  /** Its name in the file. */
  readonly cluster: string;
  readonly clusterEntry: Entry;
  /** Empty for nobody. */
  readonly userEntry: Entry;
  readonly namespace: string | null;
}

type Section = 'clusters' | 'users' | 'contexts';

const INNER: Readonly<Record<Section, string>> = { clusters: 'cluster', users: 'user', contexts: 'context' };
const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'];

/** As kubectl does: of what several files name, the first counts. */
export function currentContext(files: readonly string[]): CurrentContext {
  const contents = files.map((file) => ({ file, raw: contentOf(file) }));
  const find = (section: Section, name: unknown): Entry | null => {
    for (const { file, raw } of contents) {
      const entries = Array.isArray(raw[section]) ? (raw[section] as readonly unknown[]) : [];
      const named = entries.find((entry) => asEntry(entry)?.name === name);
      if (named !== undefined) return absolute(asEntry(asEntry(named)?.[INNER[section]]) ?? {}, dirname(file));
    }
    return null;
  };
  const current = contents
    .map(({ raw }) => raw['current-context'])
    .find((name) => typeof name === 'string' && name !== '');
  const context = current === undefined ? null : find('contexts', current);
  const clusterEntry = context === null ? null : find('clusters', context.cluster);
  if (context === null || clusterEntry === null) {
    const where = files.join(', ');
    throw new Error(`${where}: no current context that names a cluster; for example kubectl config use-context NAME`);
  }
  return {
    cluster: String(context.cluster),
    clusterEntry,
    userEntry: find('users', context.user) ?? {},
    namespace: textOf(context, 'namespace'),
  };
}

/** Null where it is not set, or set to nothing. Throws where something else stands than text. */
export function textOf(entry: Entry, key: string): string | null {
  const value = entry[key];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string') return value;
  throw new Error(`the kubeconfig's ${key} is no text: put it in quotes, for example ${key}: "123"`);
}

function contentOf(file: string): Entry {
  try {
    const lines = new LineCounter();
    const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, logLevel: 'error' });
    const [error] = document.errors;
    if (error !== undefined) {
      // The message itself may quote what stands there.
      const { line, col } = lines.linePos(error.pos[0]);
      throw new Error(`it is no YAML at line ${line}, column ${col} (${error.code})`);
    }
    return asEntry(document.toJS()) ?? {};
  } catch (error) {
    throw new Error(`kubeconfig ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function asEntry(value: unknown): Entry | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : null;
}

function absolute(entry: Entry, directory: string): Entry {
  const made = PATHS.flatMap((key) => {
    const path = entry[key];
    return typeof path === 'string' && path !== '' ? [[key, resolve(directory, path)] as const] : [];
  });
  return { ...entry, ...Object.fromEntries(made) };
}
