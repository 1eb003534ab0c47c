/**
 * k8s/ and the chart against a real API server: they say the same, are taken where only the strictest pods are, and allow the
 * proxy what it uses and nothing more. @needs kubernetes helm
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { manifestText } from '../../scripts/manifests.ts';
import { pageText } from '../docs/page.ts';
import { REPOSITORY, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type KubeServers, startKubeServers } from '../support/kube-servers.ts';
import { charted, HOME, kustomized, type Manifest, type Manifests, manifestsIn, podOf } from '../support/rendered.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { tempDir } from '../support/temp-dir.ts';

const OVERLAYS = ['direct', 'nginx', 'selector', 'monitoring', 'demo'];
const { version: VERSION } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));

/** Values of the chart, and what they are in k8s/. */
const TWINS: readonly (readonly [string, object, readonly string[]])[] = [
  ['as it is', {}, ['base']],
  ['autoscaling', { autoscaling: { enabled: true } }, ['overlays/direct']],
  ['nginx', { dataPlane: 'nginx' }, ['overlays/nginx']],
  ['selector', { source: { kind: 'selector' } }, ['overlays/selector']],
  ['monitoring', { monitoring: { enabled: true } }, ['base', 'overlays/monitoring']],
];

/** Values, and what the objects must then show. */
const OPTIONS: readonly (readonly [string, object, (objects: Manifests) => void])[] = [
  [
    'another instance prefixes everything',
    { instance: 'team-a' },
    (objects) => {
      for (const key of objects.keys()) expect(key).to.match(/\/team-a$/);
      expect(containerOf(objects, 'team-a').args).to.include('--instance=team-a');
      expect(objects.get('Role/team-a').rules[0].resourceNames).to.include('team-a-state');
    },
  ],
  [
    'a ConfigMap of another namespace: the role is there',
    { source: { configmap: { name: 'm', namespace: 'shop' } } },
    (objects) => {
      expect(containerOf(objects).args).to.include('--configmap=shop/m');
      expect(objects.get(`Role/${HOME}`).metadata.namespace).to.equal('shop');
      expect(objects.get(`RoleBinding/${HOME}`).subjects[0].namespace).to.equal(HOME);
    },
  ],
  [
    'labels in one namespace: no ClusterRole',
    { source: { kind: 'selector', selector: { labels: 'a=b', namespace: 'shop' } } },
    (objects) => {
      expect([...objects.keys()].filter((key) => key.startsWith('Cluster'))).to.deep.equal([]);
      expect(containerOf(objects).args).to.include.members(['--selector=a=b', '--namespace=shop']);
      expect(objects.get(`Role/${HOME}-source`).metadata.namespace).to.equal('shop');
    },
  ],
  [
    'a configuration',
    { configuration: 'services: []\n' },
    (objects) => expect(objects.get('ConfigMap/migration-config').data['migration.yaml']).to.equal('services: []\n'),
  ],
  [
    'drain times: the pod may live for all of them',
    { drain: { preStopSeconds: 20, timeoutSeconds: 120 } },
    (objects) =>
      expect(objects.get(`Deployment/${HOME}`).spec.template.spec.terminationGracePeriodSeconds).to.equal(160),
  ],
  [
    'nginx with workers of its own',
    { dataPlane: 'nginx', nginx: { workers: 4, resources: { limits: { cpu: 4 } } }, image: { tag: '9.9.9' } },
    (objects) => {
      expect(containerOf(objects).args).to.include('--nginx-workers=4');
      expect(containerOf(objects).image).to.equal('migration-proxy:9.9.9-nginx');
    },
  ],
  [
    'everything else',
    {
      replicas: 3,
      image: { repository: 'registry.example/p', tag: '1.2.3', pullPolicy: 'Always' },
      imagePullSecrets: [{ name: 'pull' }],
      resources: { requests: { cpu: 1, memory: '1Gi' } },
      token: { secretName: 'writes' },
      service: { type: 'LoadBalancer', port: 8000, annotations: { a: 'b' } },
      podDisruptionBudget: { maxUnavailable: '50%' },
      networkPolicy: { adminFrom: [] },
      monitoring: { enabled: true, labels: { release: 'prometheus' } },
      extraArgs: ['--access-log=all'],
      extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/company/ca.crt' }],
      extraVolumes: [{ name: 'company', configMap: { name: 'company-ca' } }],
      extraVolumeMounts: [{ name: 'company', mountPath: '/etc/company' }],
      serviceAccount: { annotations: { a: 'b' } },
      podAnnotations: { c: 'd' },
      podLabels: { e: 'f' },
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'k', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'system-cluster-critical',
    },
    (objects) => {
      const { spec } = objects.get(`Deployment/${HOME}`).spec.template;
      expect(spec).to.deep.include({ nodeSelector: { disk: 'ssd' }, priorityClassName: 'system-cluster-critical' });
      expect(containerOf(objects).image).to.equal('registry.example/p:1.2.3');
      expect(containerOf(objects).args.at(-1)).to.equal('--access-log=all');
      expect(objects.get(`ServiceMonitor/${HOME}`).metadata.labels.release).to.equal('prometheus');
      expect(objects.get(`NetworkPolicy/${HOME}`).spec.ingress[1].from).to.have.length(1);
    },
  ],
  [
    'nothing that is not needed',
    { podDisruptionBudget: { enabled: false }, networkPolicy: { enabled: false } },
    (objects) =>
      expect([...objects.keys()].map((key) => key.split('/')[0])).to.have.members([
        'ServiceAccount',
        'Role',
        'RoleBinding',
        'Deployment',
        'Service',
      ]),
  ],
];

/** Wrong values, and the words that name them. */
const REFUSED: readonly (readonly [object, RegExp])[] = [
  [{ dataPlane: 'ngnix' }, /dataPlane.*must be one of 'direct', 'nginx'/],
  [{ replica: 3 }, /additional properties 'replica' not allowed/],
  [{ replicas: 'two' }, /replicas.*got string, want integer/],
  [{ source: { kind: 'file' } }, /source\/kind/],
  [{ instance: 'Team_A' }, /instance.*does not match pattern/],
  [{ extraArgs: ['access-log'] }, /extraArgs\/0/],
  [{ service: { port: 8080 } }, /service\/port/],
  [{ autoscaling: { enabled: true }, dataPlane: 'nginx' }, /dataPlane.*must be 'direct'/],
  [{ source: { kind: 'selector' }, configuration: 'services: []' }, /every team keeps its own ConfigMap/],
];

const ACCOUNT = `system:serviceaccount:${HOME}:migration-proxy`;
/** One line for each request of the account, when it is answered. */
const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: [ACCOUNT] }, { level: 'None' }],
});
/** Of the pod's arguments those that name its own paths and ports. */
const OF_THE_POD = /^--(listen|admin-listen|state-dir|admin-token-file|drain-.*)=/;
const TOKEN = 'a-token-of-sixteen-characters-or-more';

const CONFIGMAPS = { apiGroups: [''], resources: ['configmaps'] };
const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
const EVENTS = { apiGroups: [''], resources: ['events'] };
const OURS = ['migration-proxy-state', 'migration-proxy-last-good', 'migration-proxy-history'];
const OF_ROLE = (names: readonly string[]) => [
  { ...CONFIGMAPS, resourceNames: names, verbs: ['get', 'list', 'watch', 'patch'] },
  { ...CONFIGMAPS, verbs: ['create'] },
  { ...LEASES, resourceNames: ['migration-proxy'], verbs: ['patch'] },
  { ...LEASES, verbs: ['create'] },
  { ...EVENTS, verbs: ['create'] },
];
const OF_CLUSTER_ROLE = [
  { ...CONFIGMAPS, verbs: ['get', 'list', 'watch'] },
  { ...EVENTS, verbs: ['create'] },
];

describe('the manifests', function () {
  this.timeout(90_000);
  let kube: KubeServers;
  let audit: string;

  before(async () => {
    const audited = tempDir();
    audit = join(audited, 'audit.log');
    writeFileSync(join(audited, 'policy.yaml'), AUDIT_POLICY);
    const auditing = [`--audit-policy-file=${join(audited, 'policy.yaml')}`, `--audit-log-path=${audit}`];
    kube = await startKubeServers({ apiServerFlags: auditing });
    await kube.restrictedNamespace(HOME);
    // Enforced on pods; for what makes pods the API server warns.
    await kube.expectKubectl('label', 'namespace', HOME, 'pod-security.kubernetes.io/warn=restricted');
    await kube.expectKubectl('create', 'namespace', 'shop');
    await apply([crd('ServiceMonitor', 'servicemonitors'), crd('PrometheusRule', 'prometheusrules')]);
    await kube.expectKubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
    await apply([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace: HOME } }]);
  });
  after(() => kube?.stop());

  /** Throws where the server refuses or warns. */
  async function apply(objects: Iterable<Manifest>, ...flags: string[]): Promise<void> {
    const input = [...objects].map((object) => JSON.stringify(object)).join('\n---\n');
    const { code, stderr } = await kube.kubectl(['apply', '--server-side', ...flags, '-f', '-'], { input });
    expect({ code, stderr }, stderr).to.deep.equal({ code: 0, stderr: '' });
  }

  /** What is made of them later, too: pods are where the restrictions hold. */
  async function expectTaken(objects: readonly Manifest[]): Promise<void> {
    const deployments = objects.filter(({ kind }) => kind === 'Deployment');
    for (const deployment of deployments) expectSafe(deployment);
    await apply([...objects, ...deployments.map(podOf)], '--dry-run=server');
  }

  it('deployment.yaml is what kustomize makes of the base, and holds no configuration that it could reset', async () => {
    const text = readFileSync(join(REPOSITORY, 'k8s', 'deployment.yaml'), 'utf8');
    expect(text).to.equal(manifestText());
    const objects = manifestsIn(text);
    expect(objects).to.deep.equal(manifestsIn(await kustomized('base')));
    expect([...objects.keys()].filter((key) => key.startsWith('ConfigMap'))).to.deep.equal([]);
  });

  for (const overlay of OVERLAYS) {
    it(`overlay ${overlay} is taken, and its pods are allowed where only restricted ones are`, async () => {
      const objects = [...manifestsIn(await kustomized(`overlays/${overlay}`)).values()];
      await expectTaken(objects);
    });
  }

  it("the demo's configuration is valid", async () => {
    const file = join(REPOSITORY, 'k8s', 'overlays', 'demo', 'migration-config.yaml');
    const { code, stdout, stderr } = await runCli(['validate', file]);
    expect(code, stdout + stderr).to.equal(0);
  });

  it('name the present version, and give only flags that run has', async () => {
    const { stdout: help } = await runCli(['run', '--help']);
    for (const folder of ['base', ...OVERLAYS.map((overlay) => `overlays/${overlay}`)]) {
      for (const [key, object] of manifestsIn(await kustomized(folder))) {
        const labelled = object.metadata.labels?.['app.kubernetes.io/version'];
        if (labelled !== undefined) expect(labelled, key).to.equal(VERSION);
        if (object.kind !== 'Deployment') continue;
        const { containers, initContainers = [] } = object.spec.template.spec;
        for (const { image, args = [] } of [...containers, ...initContainers]) {
          expect(image).to.match(new RegExp(`^migration-proxy:${VERSION}(-nginx)?$`));
          for (const arg of args.slice(1)) expect(help).to.include(`${arg.split('=')[0]} `);
        }
      }
    }
  });

  it('alert on metrics that there are', async () => {
    const page = pageText('docs/observability.md');
    const rules = JSON.stringify(manifestsIn(await kustomized('overlays/monitoring')).get(`PrometheusRule/${HOME}`));
    for (const [name] of rules.matchAll(/\bmigration_proxy_\w+/g)) expect(page).to.include(`\`${name}\``);
  });

  describe('the chart', () => {
    for (const [name, values, folders] of TWINS) {
      it(`${name}: the same objects as k8s/${folders.join(' and k8s/')}`, async () => {
        const texts = await Promise.all(folders.map((folder) => kustomized(folder)));
        const rendered = manifestsIn(await charted(values));
        const wanted = manifestsIn(texts.join('\n---\n'));
        expect([...rendered.keys()]).to.have.members([...wanted.keys()]);
        for (const [key, object] of wanted) expect(rendered.get(key), key).to.deep.equal(object);
      });
    }

    for (const [name, values, check] of OPTIONS) {
      it(`${name}`, async () => {
        const objects = manifestsIn(await charted(values));
        check(objects);
        await expectTaken([...objects.values()]);
      });
    }

    it('refuses wrong values and says which', async () => {
      for (const [values, words] of REFUSED) {
        const said = await charted(values).then(
          () => 'rendered',
          (error: Error) => error.message,
        );
        expect(said, JSON.stringify(values)).to.match(words);
      }
    });
  });

  describe('applied', () => {
    let account: string | undefined;

    it('apply as they stand: the base, the first configuration, and again', async () => {
      const file = (name: string): string => join(REPOSITORY, 'k8s', name);
      await kube.expectKubectl('apply', '-f', file('deployment.yaml'));
      await kube.expectKubectl('create', '-n', HOME, '-f', file('migration-config.yaml'));
      const versions = () =>
        kube.expectKubectl(
          'get',
          'deployments,configmaps',
          '-n',
          HOME,
          '-o',
          'jsonpath={.items[*].metadata.generation}',
        );
      const before = await versions();
      await kube.expectKubectl('apply', '-k', file('base'));
      expect(await versions()).to.equal(before);
      expect((await runCli(['validate', file('migration-config.yaml')])).code).to.equal(0);
    });

    it('the account may do what the role says in its namespace, nothing in others, and nothing more', async () => {
      expect(await rulesOf('migration-proxy', HOME)).to.have.deep.members(OF_ROLE(['migration-config', ...OURS]));
      expect(await rulesOf('migration-proxy', 'shop')).to.deep.equal([]);
      await expectNo('get', 'configmap/other', HOME);
      await expectNo('list', 'configmaps', HOME);
      await expectNo('update', 'configmap/migration-config', HOME);
      await expectNo('delete', 'configmap/migration-proxy-state', HOME);
      await expectNo('get', 'secrets', HOME);
      await expectNo('get', 'configmap/migration-config', 'shop');
    });

    it('two replicas run with what the Deployment says, by that account, and are refused nothing', async () => {
      const { args } = containerOf(manifestsIn(await kustomized('base')));
      const given = args.slice(1).filter((arg: string) => !OF_THE_POD.test(arg));
      const flags = given.map((arg: string) => arg.replace('$(POD_NAMESPACE)', HOME));
      const kubeconfig = await kube.serviceAccountKubeconfig(HOME, 'migration-proxy');
      const token = join(tempDir(), 'token');
      writeFileSync(token, TOKEN);
      const start = (name: string): Promise<RunningProxy> =>
        RunningProxy.start(null, {
          source: ['--kubeconfig', kubeconfig],
          flags: [...flags, '--admin-token-file', token],
          env: { POD_NAME: name, POD_NAMESPACE: HOME, POD_IP: '127.0.0.1' },
        });
      const replicas = await Promise.all([start('pod-a'), start('pod-b')]);
      try {
        const [{ admin }] = replicas;
        const env = { MIGRATION_PROXY_ADMIN: admin, MIGRATION_PROXY_ADMIN_TOKEN: TOKEN };
        const words = ['--reason', 'to see what is written'];
        expect((await runCli(['update', 'shop', '10', ...words], { env })).stderr).to.equal('');
        expect((await runCli(['abort', 'shop', ...words], { env })).stderr).to.equal('');
        await eventually('all that the proxy keeps is there', async () => {
          const got = await kube.expectKubectl('get', 'configmaps,leases,events', '-n', HOME, '-o', 'name');
          for (const kept of OURS) expect(got).to.contain(`configmap/${kept}\n`);
          expect(got).to.contain('lease.coordination.k8s.io/migration-proxy\n');
          expect(got).to.contain('event/migration-config.');
          return true;
        });
        expect((await runCli(['resume', 'shop', ...words], { env })).stderr).to.equal('');
      } finally {
        for (const { code } of await Promise.all(replicas.map((replica) => replica.stop()))) expect(code).to.equal(0);
      }
      const requests = readFileSync(audit, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
        .filter(({ userAgent }) => !/^kubectl/.test(userAgent));
      expect(requests).to.have.length.greaterThan(10);
      const refused = requests.filter(({ responseStatus }) => [401, 403].includes(responseStatus?.code));
      expect(refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).to.deep.equal([]);
    });

    it('with labels the account reads ConfigMaps everywhere and changes only its own', async () => {
      await apply(manifestsIn(await kustomized('overlays/selector')).values(), '--force-conflicts');
      expect(await rulesOf('migration-proxy', 'shop')).to.have.deep.members(OF_CLUSTER_ROLE);
      expect(await rulesOf('migration-proxy', HOME)).to.have.deep.members([...OF_ROLE(OURS), ...OF_CLUSTER_ROLE]);
      await expectNo('patch', 'configmap/migration-config', HOME);
      await expectNo('patch', 'configmap/migration-config', 'shop');
      await expectNo('create', 'configmaps', 'shop');
      await expectNo('create', 'leases', 'shop');
    });

    async function expectNo(verb: string, what: string, namespace: string): Promise<void> {
      account ??= await kube.serviceAccountKubeconfig(HOME, 'migration-proxy');
      const { stdout } = await kube.kubectl(['auth', 'can-i', verb, what, '-n', namespace], { kubeconfig: account });
      expect(stdout.trim(), `${verb} ${what} in ${namespace}`).to.equal('no');
    }
  });

  /** What `kubectl auth can-i --list` shows, less what an account without any role may do. */
  async function rulesOf(account: string, namespace: string): Promise<object[]> {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
    const ask = async (name: string): Promise<object[]> => {
      const kubeconfig = await kube.serviceAccountKubeconfig(HOME, name);
      const input = JSON.stringify(review);
      const { stdout, stderr } = await kube.kubectl(['create', '--validate=false', '-f', '-', '-o', 'json'], {
        kubeconfig,
        input,
      });
      expect(stderr).to.equal('');
      const { resourceRules, nonResourceRules } = JSON.parse(stdout).status;
      return [...resourceRules, ...nonResourceRules];
    };
    const everyones = (await ask('nobody')).map((rule) => JSON.stringify(rule));
    return (await ask(account)).filter((rule) => !everyones.includes(JSON.stringify(rule)));
  }
});

function containerOf(objects: Manifests, name = HOME): Manifest {
  return objects.get(`Deployment/${name}`).spec.template.spec.containers[0];
}

/** Longer to live than to drain; read-only; a token only where it is used; every container with limits. */
function expectSafe({ spec: { template } }: Manifest): void {
  const { containers, initContainers = [], ...pod } = template.spec;
  expect(pod.automountServiceAccountToken).to.equal(false);
  expect(pod.enableServiceLinks).to.equal(false);
  for (const container of [...containers, ...initContainers]) {
    expect(container.securityContext.readOnlyRootFilesystem).to.equal(true);
    expect(container.resources).to.satisfy(({ limits, requests }: Manifest) => limits ?? requests);
    const tokens = (container.volumeMounts ?? []).filter(({ name }: Manifest) => name === 'kube-api-access');
    expect(tokens, container.name).to.have.length(container.name === 'migration-proxy' ? 1 : 0);
  }
  const [{ args, lifecycle }] = containers;
  if (args === undefined) return;
  const seconds = (flag: string): number =>
    Number(new RegExp(`^--${flag}=(\\d+)s$`).exec(args.find((arg: string) => arg.startsWith(`--${flag}=`)))?.[1]);
  const draining = lifecycle.preStop.sleep.seconds + seconds('drain-delay') + seconds('drain-timeout');
  expect(pod.terminationGracePeriodSeconds).to.be.greaterThan(draining + 5);
}

/** As little of a CustomResourceDefinition as the server needs to keep such objects. */
function crd(kind: string, plural: string): Manifest {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
