/**
 * `k8s/deployment.yaml`, for whoever applies one file: the resources of the kustomize base one after the other, comments and
 * all. In: `--check` or `--write`. Out: that file, or exit code 1 where it is not what it would be. The base uses no
 * transformers, so no kubectl is needed here; it refuses a base that does.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const FOLDER = join(import.meta.dirname, '..', 'k8s');
const BASE = join(FOLDER, 'base');
export const MANIFEST_FILE = join(FOLDER, 'deployment.yaml');

const HEAD = `# Generated from k8s/base by \`node scripts/manifests.ts --write\`: edit the files there.
#   kubectl create namespace migration-proxy
#   kubectl create -n migration-proxy -f k8s/migration-config.yaml
#   kubectl apply -f k8s/deployment.yaml
`;
/** What a kustomization may have here: with more the result would not be the files as they stand. */
const KNOWN = ['apiVersion', 'kind', 'resources'];

export function manifestText(): string {
  const { resources, ...rest } = parse(readFileSync(join(BASE, 'kustomization.yaml'), 'utf8')) as {
    readonly resources: readonly string[];
  };
  const unknown = Object.keys(rest).filter((key) => !KNOWN.includes(key));
  if (unknown.length > 0) {
    throw new Error(`k8s/base/kustomization.yaml: ${unknown.join(', ')}: the base is a list of resources alone`);
  }
  const texts = resources.map((file) => readFileSync(join(BASE, file), 'utf8').trim());
  return `${[HEAD.trim(), ...texts].join('\n---\n')}\n`;
}

function main(mode: string | undefined): number {
  const wanted = manifestText();
  if (mode === '--write') {
    writeFileSync(MANIFEST_FILE, wanted);
    return 0;
  }
  if (mode !== '--check') {
    process.stderr.write('usage: node scripts/manifests.ts --check|--write\n');
    return 2;
  }
  if (currentText() === wanted) return 0;
  process.stderr.write('k8s/deployment.yaml is not up to date: run node scripts/manifests.ts --write\n');
  return 1;
}

function currentText(): string | null {
  try {
    return readFileSync(MANIFEST_FILE, 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv[2]);
