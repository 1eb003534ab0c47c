/**
 * The Dockerfile's steps on a bare Debian made from packages, and what comes out run as a restricted pod would run it. Two to
 * four minutes, most of them downloads. Needs root. @needs debootstrap
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { fillContext } from '../support/build-context.ts';
import { REPOSITORY } from '../support/cli.ts';
import { parseDockerfile } from '../support/dockerfile.ts';
import { eventually } from '../support/eventually.ts';
import { buildImages, debianWithNode, type Image } from '../support/image-build.ts';
import { RunningImage, sizeOf } from '../support/image-run.ts';
import { freePorts } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { OK, Recorder } from '../support/recorder.ts';
import { tempDir } from '../support/temp-dir.ts';

const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');
const CERTIFICATES = '/etc/ssl/certs';
const MIB = 2 ** 20;

describe('the image', function () {
  this.timeout(900_000);
  const stages = parseDockerfile(read('Dockerfile'));
  let images: ReadonlyMap<string, Image>;
  let old: Recorder;
  let workspace: string;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: a chroot needs root');
      return this.skip();
    }
    workspace = tempDir();
    const context = tempDir();
    fillContext(REPOSITORY, context);
    images = await buildImages(stages, {
      context,
      workspace,
      lent: CERTIFICATES,
      buildEnv: registrySettings(),
      baseImage: async (name, root) => {
        const [, suite] = /^node:[\d.]+-([a-z]+)-slim$/.exec(name) ?? [];
        await debianWithNode(root, suite, process.execPath, npmFolder());
      },
    });
    old = await Recorder.listen(OK);
  });
  after(() => old?.close());

  function image(name: string): Image {
    const found = images.get(name);
    if (found === undefined) throw new Error(`no stage ${name}`);
    return found;
  }

  it('begins with the Node of package-lock.json, names the version, and ends with the direct plane', () => {
    const { packages } = JSON.parse(read('package-lock.json'));
    const bases = stages.map(({ from }) => from).filter((from) => from.includes(':'));
    for (const base of bases) expect(base).to.equal(`node:${packages['node_modules/node'].version}-trixie-slim`);
    const { version, license } = JSON.parse(read('package.json'));
    expect(image('direct').labels).to.include({
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
    });
    expect(stages.at(-1)?.name).to.equal('direct');
    expect(image('direct')).to.deep.include({ user: '10001:10001', ports: ['8000', '8080'], cmd: ['run'] });
  });

  it('is small, holds no sources, no tools to build with, and nothing set-uid', () => {
    const sizes = ['direct', 'nginx'].map((name) => [name, Math.round(sizeOf(image(name).root) / MIB)] as const);
    console.log(`      MiB, not compressed: ${sizes.map(([name, size]) => `${name} ${size}`).join(', ')}`);
    const program = sizeOf(join(image('direct').root, 'opt'));
    console.log(`      of which the program and its packages: ${Math.round(program / MIB)}`);
    for (const [name, size] of sizes) expect(size, name).to.be.lessThan(280);
    const find = (...what: string[]): string =>
      execFileSync('find', ['.', ...what], { cwd: image('nginx').root, encoding: 'utf8' });
    expect(find('-type', 'f', '-perm', '/6000')).to.equal('');
    expect(
      find('-path', '*/bin/*', '-regex', '.*/\\(npm\\|npx\\|yarn\\|corepack\\|tsc\\|gcc\\|cc\\|make\\|git\\|curl\\)'),
    ).to.equal('');
    expect(find('-path', './opt/*', '-type', 'f', '-regex', '.*\\.\\([cm]?ts\\|map\\|test\\.[cm]?js\\)')).to.equal('');
    const ours = readdirSync(join(image('direct').root, 'opt', 'migration-proxy'));
    expect(ours).to.have.members(['LICENSE', 'bin', 'config', 'dist', 'node_modules', 'package.json', 'templates']);
  });

  for (const name of ['direct', 'nginx']) {
    it(`${name}: serves as user 10001 without rights on a read-only root, is healthy, and ends with 0 at SIGTERM`, async () => {
      const [port, adminPort] = await freePorts(2);
      const [config, state] = [tempDir(), tempDir()];
      writeFileSync(join(config, 'migration.yaml'), configuration(old.port));
      execFileSync('chown', ['-R', '10001:10001', config, state]);
      const plane = name === 'nginx' ? ['--data-plane', 'nginx', '--nginx-dir', '/tmp/nginx'] : [];
      const before = listing(image(name).root);
      const running = await RunningImage.start(image(name), {
        args: ['run', '--local-config', '/mnt/migration.yaml', '--state-dir', '/srv', ...plane],
        env: {
          MIGRATION_PROXY_LISTEN: `127.0.0.1:${port}`,
          MIGRATION_PROXY_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
        },
        mounts: { '/mnt': config, '/srv': state },
      });
      try {
        await eventually(`ready; ${running.said}`, () => isReady(adminPort), 30_000, 100);
        const answer = await ask(port, { host: 'shop.test' });
        expect(answer.status).to.equal(200);
        const facts = await running.facts();
        expect(facts.get('Name')).to.equal('tini');
        expect(facts.get('Uid')).to.match(/^10001\s+10001/);
        for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(facts.get(set), set).to.match(/^0+$/);
        expect(facts.get('NoNewPrivs')).to.equal('1');
        expect(await running.exec(image(name).healthcheck)).to.deep.equal({ code: 0, output: '' });
        const status = await running.exec(['migration-proxy', 'status', '--admin', `http://127.0.0.1:${adminPort}`]);
        expect(status.output).to.match(/shop +steady/);
        const refused = await running.exec(['/bin/sh', '-c', 'echo x > /opt/migration-proxy/x']);
        expect(refused.output).to.match(/Read-only file system/);
        expect(await running.terminate(), running.said).to.equal(0);
      } finally {
        await running.kill();
      }
      expect(listing(image(name).root)).to.equal(before);
      expect(running.said).not.to.match(/EROFS|EACCES|EPERM|read-only/i);
    });
  }

  it('nginx as the sidecar of the overlay: serves on while the proxy beside it is killed, and is taken over', async () => {
    const { command } = sidecar();
    const [port, adminPort] = await freePorts(2);
    const [config, shared] = [tempDir(), tempDir()];
    writeFileSync(join(config, 'migration.yaml'), configuration(old.port));
    execFileSync('chown', ['-R', '10001:10001', config, shared]);
    const mounts = { '/mnt': config, '/run/migration-proxy': shared };
    // The first process of a pod does nothing but be there.
    const pause = await RunningImage.start(image('direct'), { command: ['tini', '--'], args: ['sleep', '600'] });
    const plane = ['--data-plane', 'nginx', '--nginx-start', 'beside', '--nginx-dir', command.at(-1) as string];
    const proxy = (): Promise<RunningImage> =>
      RunningImage.start(image('nginx'), {
        args: ['run', '--local-config', '/mnt/migration.yaml', ...plane],
        env: { MIGRATION_PROXY_LISTEN: `127.0.0.1:${port}`, MIGRATION_PROXY_ADMIN_LISTEN: `127.0.0.1:${adminPort}` },
        mounts,
        beside: pause,
      });
    try {
      await RunningImage.start(image('nginx'), { command, args: [], mounts, beside: pause });
      const first = await proxy();
      await eventually('ready', () => isReady(adminPort), 30_000, 100);
      expect((await ask(port, { host: 'shop.test' })).status).to.equal(200);
      const masters = nginxMasters();
      expect(masters).to.have.length(1);
      await first.kill();
      expect((await ask(port, { host: 'shop.test' })).status).to.equal(200);
      const second = await proxy();
      await eventually('ready again', () => isReady(adminPort), 30_000, 100);
      expect((await ask(port, { host: 'shop.test' })).status).to.equal(200);
      expect(nginxMasters()).to.deep.equal(masters);
      expect(await second.terminate(), second.said).to.equal(0);
    } finally {
      await pause.kill();
    }

    /** Those of this pod, by their directory. */
    function nginxMasters(): string[] {
      const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
      return lines.filter((line) => line.includes('nginx: master') && line.includes('/run/migration-proxy/nginx'));
    }
  });

  it('is unhealthy where nothing answers', async () => {
    const [adminPort] = await freePorts(1);
    const env = { MIGRATION_PROXY_ADMIN_LISTEN: `127.0.0.1:${adminPort}` };
    const { healthcheck } = image('direct');
    const running = await RunningImage.start(image('direct'), { command: ['sleep'], args: ['60'], env });
    try {
      expect(await running.exec(healthcheck)).to.include({ code: 1 });
    } finally {
      await running.kill();
    }
  });
});

/** As the overlay has it. */
function sidecar(): { command: string[] } {
  const { spec } = parse(read('k8s/overlays/nginx/deployment.yaml'));
  return spec.template.spec.initContainers[0];
}

function configuration(oldPort: number): string {
  return `services:
  - name: shop
    old_host: shop.test
    old_backend: 127.0.0.1:${oldPort}
    new_host: shop.new.test
    new_backend: 127.0.0.1:9
    migration: { percentage: 0 }
`;
}

async function isReady(adminPort: number): Promise<boolean> {
  return (await ask(adminPort, { path: '/readyz' })).status === 200;
}

/** Every file of the root with its size and time of change. */
function listing(root: string): string {
  const format = ['-printf', '%P %s %T@\\n'];
  const skipped = ['(', '-path', './mnt', '-o', '-path', './srv', ')', '-prune', '-o'];
  const find = execFileSync('find', ['.', ...skipped, '-type', 'f', ...format], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * MIB,
  });
  return find.split('\n').sort().join('\n');
}

/** Of the npm on the PATH: two levels above its program. */
function npmFolder(): string {
  const program = execFileSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' }).trim();
  return join(program, '..', '..');
}

/** Where this machine gets packages from, for npm inside. */
function registrySettings(): Record<string, string> {
  const setting = (name: string): string => execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  const passed = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  return {
    npm_config_registry: setting('registry'),
    npm_config_cache: '/tmp/npm-cache',
    NODE_EXTRA_CA_CERTS: '/mnt/ca-certificates.crt',
    DEBIAN_FRONTEND: 'noninteractive',
    ...Object.fromEntries(passed),
  };
}
