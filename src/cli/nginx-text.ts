/**
 * A configuration as nginx's text, without running anything: a FILE and the flags of `run` in; the text that `run` would
 * install for the good services out, and what is to be said of the others.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatConfigError } from '../migration/errors.ts';
import type { ServedMigration } from '../migration/model.ts';
import { caBundle } from '../nginx/ca-bundle.ts';
import { backendHosts } from '../nginx/plane-parts.ts';
import { layoutOf } from '../nginx/process/layout.ts';
import { masterOf } from '../nginx/process/process-table.ts';
import { RunningProgram } from '../nginx/process/running-program.ts';
import { RefusedServices } from '../nginx/refused-services.ts';
import { render } from '../nginx/renderer.ts';
import { renderSayable } from '../nginx/sayable.ts';
import type { NginxVersion } from '../nginx/text/settings.ts';
import { nginxHere, programAt } from './nginx-here.ts';
import { type NginxHere, nginxDirectory, nginxSettings } from './nginx-settings.ts';
import { readConfiguration } from './read-configuration.ts';
import type { TrafficOptions } from './run-options.ts';
import { sourceText } from './source-text.ts';

export interface TextOptions extends TrafficOptions {
  readonly nginxVersion?: NginxVersion;
}

export interface NginxText {
  readonly text: string;
  /** One line each: what of FILE is not in the text as it stands there. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** `names`: backends stand as they are written, no network is asked. Throws CliFailure where FILE cannot be read. */
export async function nginxTextOf(
  file: string,
  options: TextOptions,
  backends: 'names' | 'addresses',
): Promise<NginxText> {
  const { errors, services, placeOf } = await readConfiguration(file, await sourceText(file));
  const settings = nginxSettings(options, await hereFor(options), caBundle(nginxDirectory(options)));
  const book = await addressBook(services, backends);
  const refused = new RefusedServices();
  const rendered = await renderSayable(services, book, refused, (list, addresses) =>
    render({ services: list, addresses, settings }),
  );
  return {
    text: rendered.text,
    errors: [
      ...errors.map(formatConfigError),
      ...refused.list(services).map(({ service, key, message }) => {
        const place = placeOf(service, key ?? null) ?? BEGINNING;
        return formatConfigError({ file, ...place, message: `${service}: ${message}` });
      }),
    ],
    warnings: rendered.warnings,
  };
}

const BEGINNING = { line: 1, column: 1, path: '' };

/** For a version that is named no nginx has to be here. */
async function hereFor(options: TextOptions): Promise<NginxHere> {
  const { nginx, nginxVersion } = options;
  if (nginxVersion === undefined) {
    const here = await nginxHere(nginx);
    return { ...here, version: (await versionOfOlder(here.program, nginxDirectory(options))) ?? here.version };
  }
  const here = programAt(nginx) === null ? null : await nginxHere(nginx);
  const { lacks = [], njsModule = null, tlsCommands = true } = here ?? {};
  return { version: nginxVersion, lacks, njsModule, tlsCommands };
}

/** Of an nginx that runs there on, while a newer one was put in its program's place: `run` writes for it. Null: there is none. */
async function versionOfOlder(program: string, directory: string): Promise<NginxVersion | null> {
  const master = await masterOf(layoutOf(directory)).catch(() => null);
  return (await new RunningProgram(program).look(master?.pid ?? null))?.version ?? null;
}

async function addressBook(services: readonly ServedMigration[], backends: 'names' | 'addresses') {
  const hosts = [...backendHosts(services)];
  const found = await Promise.all(hosts.map((host) => (backends === 'names' ? [host] : addressesOf(host))));
  return new Map(hosts.map((host, i) => [host, found[i]]));
}

async function addressesOf(host: string): Promise<readonly string[] | null> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.length === 0 ? null : [...new Set(found.map(({ address }) => address))].sort();
}
