/**
 * A service that nginx refuses, as its team sees it: two replicas with nginx over one ConfigMap, an nginx that does not take one backend,
 * and what `kubectl get events` and the history say. @together kube-commands @needs kubernetes nginx
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { HistoryEntry } from '../../src/status/history-entries.ts';
import { eventually } from '../support/eventually.ts';
import { eventsIn } from '../support/kube-edits.ts';
import { KubeNamespace } from '../support/kube-namespace.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { nginxBinary } from '../support/nginx-binary.ts';
import { freePort } from '../support/ports.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('a service that nginx refuses', function () {
  this.timeout(90_000);
  let kube: KubeServers;
  const running: RunningNginx[] = [];

  before(async () => {
    kube = await sharedKubeServers();
  });

  after(() => Promise.all(running.map((one) => one.end())));

  it('is told to the team of its ConfigMap, and told once more when nginx takes it again', async () => {
    const space = await KubeNamespace.make(kube, 'nginx-refused');
    const port = await freePort();
    const text = (newBackend: string) => `services:
  - name: mail
    old_host: mail.test
    old_backend: 127.0.0.1:${port}
    new_host: mail.new.test
    new_backend: ${newBackend}
    migration: { percentage: 50 }
`;
    await space.configure(text('127.0.0.1:1'));
    const kubeconfig = await kube.serviceAccountKubeconfig(space.name, 'migration-proxy');
    const source = ['--configmap', `${space.name}/migration-config`, '--kubeconfig', kubeconfig];
    const starts = ['pod-a', 'pod-b'].map(async (name) => {
      const one = await RunningNginx.start(null, {
        source,
        nginx: pickyNginx(),
        env: { POD_NAME: name },
        ready: false,
      });
      running.push(one);
      await one.proxy.ready(60_000);
    });
    await Promise.all(starts);
    const [first] = running;

    const told = async (reason: string) =>
      (await eventsIn(kube, space.name)).filter((event) => event.reason === reason);
    const rejected = await eventually('a Warning', async () => {
      const events = await told('ConfigRejected');
      return events.length > 0 ? events : false;
    });
    expect(
      rejected.map(({ type }) => type),
      'one, however many replicas',
    ).to.deep.equal(['Warning']);
    expect(rejected[0].message).to.match(/^mail: .*its old cluster alone serves it.*no such server/);
    const { config } = await first.proxy.status();
    expect(config.errors[0]).to.include({ code: 'nginx_refused', service: 'mail', file: space.label });

    await space.configure(text(`127.0.0.1:${port}`));
    await eventually('it is taken', async () => {
      const messages = (await told('ConfigApplied')).map(({ message }) => message);
      return messages.includes('mail: nginx serves it as it is configured again');
    });
    expect((await first.proxy.status()).config.errors).to.deep.equal([]);
    expect(await told('ConfigRejected')).to.have.length(1);
    const answer = await first.proxy.askAdmin('/api/v1/history');
    const { entries } = JSON.parse(answer.body.toString()) as { entries: HistoryEntry[] };
    expect(entries.map(({ kind, service }) => `${kind} ${service}`)).to.deep.equal(['rejected mail', 'changed mail']);
  });
});

/** It takes no server on port 1. */
function pickyNginx(): string {
  const file = join(tempDir(), 'nginx');
  const refuses = `case "$*" in *" -t "*|"-t "*) ! grep -q "server 127.0.0.1:1 " "$6" || { echo "nginx: [emerg] no such server" >&2; exit 1; };; esac`;
  writeFileSync(file, `#!/bin/sh\n${refuses}\nexec ${nginxBinary()} "$@"\n`, { mode: 0o755 });
  return file;
}
