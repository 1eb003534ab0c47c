/**
 * Manifests as objects: a kustomize folder or a chart's values in, what would be applied out, by kind and name. Needs
 * kubectl and helm; asks no server.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from './cli.ts';
import { kubeProgram } from './kube-programs.ts';
import { tempDir } from './temp-dir.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are whatever the API takes; expectations name what they look at
export type Manifest = any;
export type Manifests = ReadonlyMap<string, Manifest>;

/** The namespace that the manifests name. */
export const HOME = 'migration-proxy';
const CHART = join(REPOSITORY, 'charts', 'migration-proxy');
const LIMIT_MS = 60_000;
/** A helm that was built without its linker flags takes the cluster for an ancient one. */
const KUBE_VERSION = '1.35.4';

/** By `Kind/name`. Throws for two of the same. */
export function manifestsIn(text: string): Manifests {
  const found = new Map<string, Manifest>();
  for (const document of parseAllDocuments(text)) {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS() as Manifest;
    if (object === null) continue;
    const key = `${object.kind}/${object.metadata.name}`;
    if (found.has(key)) throw new Error(`${key} stands there twice`);
    found.set(key, object);
  }
  return found;
}

/** `folder`: below k8s. */
export async function kustomized(folder: string): Promise<string> {
  return run(await kubeProgram('kubectl'), ['kustomize', join(REPOSITORY, 'k8s', folder)]);
}

/** `values`: as in a values file. Rejects with what helm complains of. */
export async function charted(values: object = {}, release = HOME): Promise<string> {
  const file = join(tempDir(), 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const args = ['template', release, CHART, '--namespace', HOME, '--kube-version', KUBE_VERSION, '--values', file];
  return run(await kubeProgram('helm'), args);
}

/** What a Deployment's controller would create. */
export function podOf(deployment: Manifest): Manifest {
  const { metadata, spec } = deployment.spec.template;
  const { name, namespace } = deployment.metadata;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, namespace }, spec };
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: LIMIT_MS, maxBuffer: 16 * 2 ** 20 }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr || error.message)),
    );
  });
}
