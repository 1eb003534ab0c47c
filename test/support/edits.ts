/**
 * Three services and the ways in which people and tools change their file: percentages in, YAML out; a text in, a changed
 * file out. Refuses to know whether anybody notices.
 */
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { clusterOf } from './kept-connection.ts';
import { MixedLoad } from './mixed-load.ts';
import { ask } from './raw-client.ts';
import type { RunningProxy } from './running-proxy.ts';

export const NAMES = ['shop', 'pay', 'mail'] as const;
export type Name = (typeof NAMES)[number];

export function hostOf(name: Name): string {
  return `${name}.old.test`;
}

/** `percentages`: what stands in the file, right or wrong. */
export function threeServices(
  clusters: { readonly old: string; readonly new: string },
  percentages: Readonly<Record<Name, number | string>>,
): string {
  const services = NAMES.map(
    (name) => `  - name: ${name}
    old_host: ${hostOf(name)}
    old_backend: ${clusters.old}
    new_host: ${name}.new.test
    new_backend: ${clusters.new}
    migration: { percentage: ${percentages[name]} } # ${name}
`,
  );
  return `# three teams\nservices:\n${services.join('')}`;
}

/** Load on each of the services, or on some. `pauseMs`: of each of three clients a service. */
export function loadOn(port: number, names: readonly Name[] = NAMES, pauseMs = 8): MixedLoad[] {
  return names.map((name) => new MixedLoad({ port, host: hostOf(name), clients: 3, pauseMs, prefix: `/${name}` }));
}

type Way = (file: string, text: string) => unknown;

/** Between the halves: longer than a look at the file takes, shorter than anybody would wait for the rest. */
const HALF_MS = 30;

export const WAYS: Readonly<Record<string, Way>> = {
  'written in place': (file, text) => writeFileSync(file, text),
  'replaced by a new file': (file, text) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  },
  'moved aside and written anew': (file, text) => {
    renameSync(file, `${file}~`);
    writeFileSync(file, text);
  },
  'removed and written a little later': async (file, text) => {
    rmSync(file);
    await pause(HALF_MS);
    writeFileSync(file, text);
  },
  'written in two halves': async (file, text) => {
    const half = Math.floor(text.length / 2);
    writeFileSync(file, text.slice(0, half));
    await pause(HALF_MS);
    appendFileSync(file, text.slice(half));
  },
  'written service by service': async (file, text) => {
    const pieces = text.split(/(?=^ {2}- name)/m);
    writeFileSync(file, pieces[0]);
    for (const piece of pieces.slice(1)) {
      await pause(HALF_MS);
      appendFileSync(file, piece);
    }
  },
};

let versions = 0;

/** A volume's swap: the file is a link through `..data`, which is replaced by one that leads to a new directory. */
export function swapVolume(file: string, text: string): void {
  const directory = dirname(file);
  const version = `..version-${versions++}`;
  mkdirSync(join(directory, version));
  writeFileSync(join(directory, version, 'migration.yaml'), text);
  symlinkSync(version, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
}

export interface EditTarget {
  readonly file: string;
  readonly yaml: (shop: number) => string;
  /** From the last byte of an edit until it is obeyed; without it a second. */
  readonly withinMs?: number;
  /** Something that an edit makes grow; without it the answers alone tell that it is obeyed. */
  readonly grows?: () => Promise<number>;
}

/**
 * Changes the file so often, each time in the next of the ways: `shop` goes to new and back. Rejects when a change is not
 * obeyed in time after its last byte.
 */
export async function editOften(
  proxy: RunningProxy,
  count: number,
  ways: readonly Way[],
  { file, yaml, withinMs = 1_000, grows }: EditTarget,
): Promise<void> {
  for (let at = 0; at < count; at++) {
    const [percentage, cluster] = at % 2 === 0 ? [100, 'new'] : [0, 'old'];
    const before = (await grows?.()) ?? 0;
    // A different text each time, as a real edit is.
    await ways[at % ways.length](file, `${yaml(percentage)}# edit ${at}\n`);
    const isLive = async () => {
      const isSeen = clusterOf(await ask(proxy.port, { host: hostOf('shop') })) === cluster;
      return isSeen && (grows === undefined || (await grows()) > before);
    };
    await eventually(`edit ${at} is live`, isLive, withinMs);
  }
}
