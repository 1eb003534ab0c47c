/**
 * docs/kubernetes.md against the files it is about: its configuration is valid, its table of rights is the Role, its Events are
 * those that are written, and what it names is there.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { REPOSITORY, runCli } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';
import { blocksOf, codesIn, pageText, rowsOf, sectionOf } from './page.ts';

const PAGE = pageText('docs/kubernetes.md');
const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');

describe('docs/kubernetes.md', () => {
  it('shows a configuration that is valid', async () => {
    const [{ text }] = blocksOf(PAGE).filter(({ info }) => info === 'yaml');
    const file = join(tempDir(), 'migration-config.yaml');
    writeFileSync(file, text);
    const { code, stdout, stderr } = await runCli(['validate', file]);
    expect(code, stdout + stderr).to.equal(0);
    expect(parse(text).metadata.name).to.equal(parse(read('k8s/migration-config.yaml')).metadata.name);
  });

  it('lists the rights of the Role', () => {
    const [role] = parseAllDocuments(read('k8s/base/role.yaml')).map((document) => document.toJS());
    const described = rowsOf(sectionOf(PAGE, 'What the account may do')).map(([resource, names, verbs]) => ({
      resources: [resource],
      ...(names === '(any)' ? {} : { resourceNames: codesIn(names) }),
      verbs: verbs.split(', '),
    }));
    const granted = role.rules.map(({ apiGroups: _, ...rule }: { apiGroups: string[] }) => rule);
    expect(described).to.deep.equal(granted);
  });

  it('lists the Events that are written', () => {
    const rows = rowsOf(sectionOf(PAGE, 'Installed in five minutes'));
    const described = rows.flatMap(([reasons]) => codesIn(reasons));
    const written = [...read('src/kubernetes/event-of.ts').matchAll(/reason: '(\w+)'/g)].map(([, reason]) => reason);
    expect(described).to.have.members(written);
  });

  it('names files and alerts that are there', () => {
    for (const [path] of PAGE.matchAll(/\b(?:k8s|charts)\/[a-z0-9/-]+(?:\.yaml)?/g)) {
      expect(existsSync(join(REPOSITORY, path)), path).to.equal(true);
    }
    const alerts = read('k8s/overlays/monitoring/prometheus-rule.yaml');
    for (const [alert] of PAGE.matchAll(/\bMigration[A-Z]\w+/g)) expect(alerts).to.contain(`alert: ${alert}\n`);
  });
});
