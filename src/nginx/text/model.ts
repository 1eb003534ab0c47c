/**
 * The configuration in nginx's own shape, ready to be printed. In: services, addresses, settings. Out: what the templates
 * take, and the files that the text names. Decides nothing: tables, routes and lanes have.
 */
import type { ServedMigration } from '../../migration/model.ts';
import { answerTables } from './answers.ts';
import { looksUp, NO_AUTHORITY } from './authorities.ts';
import type { Block } from './block.ts';
import { absolutePath } from './grammar.ts';
import { hashSize } from './hash-sizes.ts';
import { type HttpSettings, httpSettings } from './http-settings.ts';
import { NamedFiles } from './named-files.ts';
import { printedBlocks } from './print-blocks.ts';
import { type Kind, type PrintedValues, printedValues } from './printed-values.ts';
import { dollarBlock } from './quote.ts';
import type { RenderInput } from './rendered.ts';
import { laneSuffixes, serversOf } from './routes.ts';
import { printedServers } from './servers.ts';
import type { NginxSettings } from './settings.ts';
import { decisionTables, type Tables } from './tables.ts';
import { type Token, token, variableName } from './token.ts';
import { shapedUpstream, Upstreams } from './upstreams.ts';

/** Where njs finds the hash that nginx does not have; the text's name among the templates. */
export const MURMUR3 = 'murmur3.js';

/** `scripts`: texts of what njs runs, by name. Throws a ConfigurationFault on what validation must have refused. */
export function buildModel(input: RenderInput, controlToken: Token, scripts: ReadonlyMap<string, string>) {
  const { settings } = input;
  const files = new NamedFiles(settings.directory);
  // Which services this nginx takes at all is known first: the others have neither host nor lane.
  const first = decisionTables(input.services, settings);
  const names = new Set(first.refused.map(({ service }) => service));
  const services = input.services.filter(({ migration }) => !names.has(migration.name));
  const servers = serversOf(services);
  const suffixes = laneSuffixes(servers);
  const tables = suffixes.size === 0 && names.size === 0 ? first : decisionTables(services, settings, suffixes);
  const migrates = servers.some(({ routes }) => routes.some(({ route }) => route.new !== null));
  const divided = suffixes.size > 0;
  const blocks = allBlocks(tables, { migrates, divided, detail: settings.detail });
  const http = httpSettings(settings);
  const upstreams = new Upstreams(input.addresses);
  const values = printedValues(tables.values, { migrates, divided });
  const { servers: hosts, tls } = printedServers(servers, {
    upstreams,
    files,
    settings,
    values,
    listens: http.listens,
  });
  const main = mainModel({ http, controlToken, values, blocks, migrates, services });
  const njs = tables.scripts.map(({ variable: name, property }) => ({
    variable: variableName(name, 'js_set'),
    property: token(`murmur3.${variableName(property, 'js_set')}`),
  }));
  const scriptFile = njs.length > 0 ? files.add('njs', '.js', scripts.get(MURMUR3) ?? '') : null;
  return {
    main: {
      ...main,
      njs: scriptFile === null || settings.njsModule === null ? null : absolutePath(settings.njsModule, 'njs module'),
      script: scriptFile === null ? null : absolutePath(scriptFile, 'script'),
      scripts: njs,
      ssl: tls.locations > 0 ? defaultTls(tls.trustingDefault > 0, files, settings) : null,
    },
    tables: printedBlocks(blocks),
    upstreams: upstreams.blocks().map(shapedUpstream),
    servers: hosts,
    files: files.contents,
    refused: first.refused,
    variables: blocks.length + njs.length + SET_VARIABLES.length,
    tls,
  };
}

/** Where a server says nothing else. */
function defaultTls(isTrusted: boolean, files: NamedFiles, settings: NginxSettings) {
  const { caBundle, caDirectory } = settings;
  if (looksUp(settings)) {
    return {
      trusted: absolutePath(files.add('tls', '.pem', NO_AUTHORITY), 'no CA'),
      looked: isTrusted && caDirectory !== null ? absolutePath(caDirectory, 'CA directory') : null,
    };
  }
  return { trusted: isTrusted ? absolutePath(caBundle, 'CA bundle') : null, looked: null };
}

/** Of `set` in lanes. */
const SET_VARIABLES = ['asked', 'gate', 'trail', 'new_scheme'];

function allBlocks({ blocks, values }: Tables, kind: Kind & { readonly detail: 'brief' | 'full' }): Block[] {
  const answers = answerTables({
    exposed: values.exposed,
    stickySet: values.stickySet,
    vainPeer: values.vainPeer,
    requestId: values.requestId,
    authority: values.authority,
    scheme: values.forwardedProto,
    ...kind,
  });
  return [dollarBlock, ...blocks, ...answers];
}

interface MainParts {
  readonly http: HttpSettings;
  readonly controlToken: Token;
  readonly values: PrintedValues;
  readonly blocks: readonly Block[];
  readonly migrates: boolean;
  readonly services: readonly ServedMigration[];
}

function mainModel({ http, controlToken, values, blocks, migrates, services }: MainParts) {
  const keys = blocks.map((block) => (block.kind === 'map' ? block.rows.flatMap(({ key }) => exactLength(key)) : []));
  const hosts = services.map(({ migration }) => migration.old.host.length);
  const maps = hashSize(most(keys.map(({ length }) => length)), most(keys.map(most)));
  const names = hashSize(hosts.length, most(hosts));
  return {
    ...http,
    token: controlToken,
    values,
    migrates,
    sizes: { mapMax: maps.max, mapBucket: maps.bucket, namesMax: names.max, namesBucket: names.bucket },
  };
}

function exactLength(key: { readonly kind: 'exact' | 'regex'; readonly text?: string }): number[] {
  return key.kind === 'exact' && key.text !== undefined ? [new TextEncoder().encode(key.text).length] : [];
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((largest, number) => Math.max(largest, number), 0);
}
