/**
 * Credentials that are only read: a token, a token's file, certificates, a password. In: the entries of a kubeconfig, or those of
 * a pod made alike. Out: options for requests. Files are read again for each request (eight a minute when nothing happens), since
 * tokens and certificates are replaced while we run.
 */
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { Credentials } from './credentials.ts';
import { type CurrentContext, type Entry, textOf } from './kubeconfig.ts';

/** Throws an Error in plain words where an entry is no text. */
export function plainCredentials(from: CurrentContext & { readonly server: string }): Credentials {
  const { clusterEntry, namespace, server, userEntry } = from;
  const ca = bytesOf(clusterEntry, 'certificate-authority');
  const cert = bytesOf(userEntry, 'client-certificate');
  const key = bytesOf(userEntry, 'client-key');
  const token = tokenOf(userEntry);
  const fixed: RequestOptions = {};
  if (clusterEntry['insecure-skip-tls-verify'] === true) fixed.rejectUnauthorized = false;
  const name = textOf(clusterEntry, 'tls-server-name');
  if (name !== null) fixed.servername = name;
  const username = textOf(userEntry, 'username');
  if (username !== null) fixed.auth = `${username}:${textOf(userEntry, 'password') ?? ''}`;
  const as = textOf(userEntry, 'as');

  return {
    server,
    namespace: namespace?.trim() || 'default',
    isProxied: false,
    applyTo: async (options) => {
      Object.assign(options, fixed, defined({ ca: await ca(), cert: await cert(), key: await key() }));
      const bearer = await token();
      options.headers = {
        ...(options.headers as Readonly<Record<string, string>> | undefined),
        ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(as === null ? {} : { 'Impersonate-User': as }),
      };
    },
  };
}

/** What stands in the file itself goes before a path, as with kubectl. */
function bytesOf(entry: Entry, key: string): () => Promise<Buffer | null> {
  const data = textOf(entry, `${key}-data`);
  if (data !== null) {
    const bytes = Buffer.from(data, 'base64');
    return async () => bytes;
  }
  const path = textOf(entry, key);
  return async () => (path === null ? null : fileOf(path));
}

function tokenOf(entry: Entry): () => Promise<string | null> {
  const [token, path] = [textOf(entry, 'token'), textOf(entry, 'tokenFile')];
  if (token !== null || path === null) return async () => token?.trim() ?? null;
  return async () => (await fileOf(path)).toString().trim();
}

async function fileOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`the credentials cannot be read: ${(error as Error).message}`);
  }
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}
