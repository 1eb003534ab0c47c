import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { withoutFolders } from './go-build.ts';
import { findProgram, provideKubernetes, variableOf } from './kubernetes-servers.ts';
import { reasonsOf } from './needs.ts';

describe('etcd, kube-apiserver, kubectl and helm for tests', () => {
  const before = { ...process.env };
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'migration-proxy-test-'));
    for (const name of ['TEST_ETCD', 'TEST_KUBECTL', 'KUBEBUILDER_ASSETS']) delete process.env[name];
    process.env.XDG_CACHE_HOME = join(root, 'cache');
    process.env.PATH = join(root, 'bin');
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before);
    rmSync(root, { recursive: true, force: true });
  });

  function program(path: string, says: string): string {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\necho '${says}'\n`);
    chmodSync(file, 0o755);
    return file;
  }

  it('are those given, else those on the PATH that are new enough, else those built before', async () => {
    const cached = program('cache/migration-proxy/etcd-3.6.6/etcd', '');
    expect(await findProgram('etcd')).to.equal(cached);
    program('bin/etcd', 'etcd Version: 3.4.23');
    expect(await findProgram('etcd'), 'too old').to.equal(cached);
    const onPath = program('bin/etcd', 'etcd Version: 3.5.0');
    expect(await findProgram('etcd')).to.equal(onPath);
    const asset = program('assets/etcd', '');
    process.env.KUBEBUILDER_ASSETS = join(root, 'assets');
    expect(await findProgram('etcd')).to.equal(asset);
    process.env[variableOf('etcd')] = cached;
    expect(await findProgram('etcd'), 'TEST_ETCD').to.equal(cached);
  });

  it('are not a kubectl that runs another one', async () => {
    const cached = program('cache/migration-proxy/kubernetes-1.35.4/kubectl', '');
    const onPath = program('bin/kubectl', 'Client Version: v1.32.4-dispatcher');
    expect(await findProgram('kubectl')).to.equal(cached);
    program('bin/kubectl', 'Client Version: v1.32.4');
    expect(await findProgram('kubectl')).to.equal(onPath);
  });

  it('that are there are not built, and what was asked for is answered', async () => {
    const cached = program('cache/migration-proxy/helm-3.22.0/helm', '');
    process.env.TEST_HELM = cached;
    const lines: string[] = [];
    const { paths, missing } = await provideKubernetes(['helm', 'helm'], (line) => lines.push(line));
    expect([[...paths], [...missing], lines]).to.deep.equal([[['helm', cached]], [], []]);
  });

  it('that are missing for one reason have it once', () => {
    const missing = new Map([
      ['etcd', 'no Go'],
      ['kube-apiserver', 'no Go'],
    ] as const);
    expect(reasonsOf(['etcd', 'kube-apiserver', 'kubectl'], missing)).to.deep.equal([
      'no Go (KUBEBUILDER_ASSETS may name a folder with etcd, kube-apiserver)',
    ]);
    expect(reasonsOf(['helm'], missing)).to.deep.equal([]);
  });

  it('are built by a go.mod that names no folder next door', () => {
    const etcd = 'replace (\n\tx.io/api => ../api\n)\n\nreplace x.io => ./FORBIDDEN\nrequire a v1\n';
    expect(withoutFolders(etcd, undefined)).to.equal('replace (\n)\n\nrequire a v1\n');
    const kubernetes = 'replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tb => c v2\n)\n';
    expect(withoutFolders(kubernetes, 'v0.35.4')).to.equal(
      'replace (\n\tk8s.io/api => k8s.io/api v0.35.4\n\tb => c v2\n)\n',
    );
  });
});
