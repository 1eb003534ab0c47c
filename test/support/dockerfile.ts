/**
 * Reads a Dockerfile as far as ours goes: text in, stages with their steps out, build arguments filled in. An instruction or
 * an option that it does not know is an error: a step that is passed over would prove nothing. Refuses to run anything.
 */

export type Step =
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'copy'; readonly from: string | null; readonly sources: readonly string[]; readonly to: string }
  | { readonly kind: 'env'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'label'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'workdir' | 'user'; readonly value: string }
  | { readonly kind: 'expose'; readonly ports: readonly string[] }
  | { readonly kind: 'entrypoint' | 'cmd' | 'healthcheck'; readonly words: readonly string[] };

export interface Stage {
  readonly name: string;
  /** An image, `scratch`, or an earlier stage. */
  readonly from: string;
  readonly steps: readonly Step[];
}

export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; from: string; steps: Step[] }[] = [];
  const globals = new Map<string, string>();
  let scope = globals;
  for (const line of logicalLines(text)) {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/s.exec(line) ?? [];
    if (instruction === 'ARG') {
      const [, name, value] = /^(\w+)(?:=(.*))?$/.exec(rest) ?? [];
      if (name === undefined) throw new Error(`cannot read: ${line}`);
      scope.set(name, value ?? globals.get(name) ?? '');
    } else if (instruction === 'FROM') {
      const [, from, name] = /^(\S+) AS ([a-z][-a-z0-9]*)$/.exec(filled(rest, globals)) ?? [];
      if (from === undefined) throw new Error(`cannot read: ${line}; for example: FROM debian:trixie-slim AS base`);
      stages.push({ name, from, steps: [] });
      scope = new Map();
    } else {
      const stage = stages.at(-1);
      if (stage === undefined || instruction === undefined) throw new Error(`cannot read: ${line}`);
      stage.steps.push(stepOf(instruction, rest, scope, line));
    }
  }
  return stages;
}

function stepOf(instruction: string, rest: string, scope: ReadonlyMap<string, string>, line: string): Step {
  switch (instruction) {
    case 'RUN':
      if (rest.startsWith('-') || rest.startsWith('[')) break;
      return { kind: 'run', command: rest };
    case 'COPY': {
      const [, from = null, paths] = /^(?:--from=(\S+)\s+)?([^-].*)$/.exec(filled(rest, scope)) ?? [];
      if (paths === undefined) break;
      const words = paths.split(/\s+/);
      return { kind: 'copy', from, sources: words.slice(0, -1), to: words.at(-1) as string };
    }
    case 'ENV':
      return { kind: 'env', values: pairsOf(filled(rest, scope)) };
    case 'LABEL':
      return { kind: 'label', values: pairsOf(filled(rest, scope)) };
    case 'WORKDIR':
      return { kind: 'workdir', value: filled(rest, scope) };
    case 'USER':
      return { kind: 'user', value: filled(rest, scope) };
    case 'EXPOSE':
      return { kind: 'expose', ports: rest.split(/\s+/) };
    case 'ENTRYPOINT':
      return { kind: 'entrypoint', words: JSON.parse(rest) };
    case 'CMD':
      return { kind: 'cmd', words: JSON.parse(rest) };
    case 'HEALTHCHECK': {
      const [, words] = /^(?:--[a-z-]+=\S+\s+)*CMD\s+(\[.*\])$/.exec(rest) ?? [];
      if (words === undefined) break;
      return { kind: 'healthcheck', words: JSON.parse(words) };
    }
  }
  throw new Error(`cannot read: ${line}`);
}

/** Continued lines joined; comments are whole lines, between continued ones too. */
function logicalLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  return lines
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function pairsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w.]+)=("(?:[^"\\]|\\.)*"|\S+)\s*/g)];
  if (pairs.map(([whole]) => whole).join('') !== text) throw new Error(`cannot read: ${text}`);
  return Object.fromEntries(pairs.map(([, key, value]) => [key, value.startsWith('"') ? JSON.parse(value) : value]));
}

function filled(text: string, scope: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = scope.get(name);
    if (value === undefined) throw new Error(`${whole} is not an ARG of this stage`);
    return value;
  });
}
