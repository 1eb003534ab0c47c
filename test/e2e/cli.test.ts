import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CliResult, REPOSITORY, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { tempDir } from '../support/temp-dir.ts';

const BIN = join(REPOSITORY, 'bin', 'migration-proxy.mjs');

const GOOD = `# our services
services:
  - name: shop
    old_host: shop.old.test
    old_backend: 127.0.0.1:18001
    new_host: shop.new.test
    new_backend: 127.0.0.1:18002
    migration: { enabled: true, strategy: user, percentage: 20 } # carefully
`;

describe('the command line', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = tempDir();
    file = join(directory, 'migration.yaml');
    writeFileSync(file, GOOD);
  });

  const saysOnStderr = (result: CliResult, code: number, text: RegExp) => {
    expect(result.stderr).to.match(text);
    expect(result.stderr.trim().split('\n'), 'one line').to.have.length(1);
    expect(result.stdout).to.equal('');
    expect(result.code).to.equal(code);
  };

  describe('usage', () => {
    for (const [what, args, text] of [
      ['an unknown command, with the nearest', ['stauts'], /unknown command 'stauts' \(did you mean status\?\)/],
      [
        'an unknown flag, with the nearest',
        ['run', '--lisen', ':1'],
        /unknown option '--lisen' \(did you mean --listen\?\)/,
      ],
      ['a missing argument', ['update', 'shop'], /missing required argument 'percent'/],
      ['a percentage out of range', ['update', 'shop', '101'], /0 to 100 with at most two decimals, such as 12.5/],
      [
        'a data plane that is not there',
        ['run', '--local-config', 'x', '--data-plane', 'envoy'],
        /choices are direct, nginx/,
      ],
      ['a listen address', ['run', '--local-config', 'x', '--listen', ':99999'], /HOST:PORT, such as :8000/],
      ['a format', ['status', '-o', 'xml'], /choices are table, json, yaml/],
      ['a run without a source', ['run'], /--local-config FILE, --configmap NAMESPACE\/NAME .* `migration-proxy demo`/],
      ['an argument too many', ['status', 'shop'], /too many arguments/],
    ] as const) {
      it(`refuses ${what}`, async () => saysOnStderr(await runCli(args), 2, text));
    }

    it('prints help on stdout when asked, on stderr when not', async () => {
      const asked = await runCli(['--help']);
      expect(asked).to.include({ code: 0, stderr: '' });
      expect(asked.stdout).to.match(/^Usage: migration-proxy/);
      const lost = await runCli([]);
      expect(lost).to.include({ code: 2, stdout: '', stderr: asked.stdout });
    });

    it('has examples and exit codes in the help of every command', async () => {
      for (const command of [
        'run',
        'demo',
        'status',
        'update',
        'abort',
        'resume',
        'explain',
        'validate',
        'completion',
      ]) {
        const { code, stdout } = await runCli([command, '--help']);
        expect(code, command).to.equal(0);
        expect(stdout, command).to.match(/Examples:\n {2}\S[\s\S]*Exit codes:\n {2}0 {2}/);
      }
    });

    it('gives every flag of run an environment twin, and takes an empty one as unset', async () => {
      const { stdout } = await runCli(['run', '--help']);
      const text = stdout.replace(/\n\s+/g, ' ');
      for (const [, flag] of text.matchAll(/ --([a-z-]+) </g)) {
        expect(text).to.include(`MIGRATION_PROXY_${flag.replaceAll('-', '_').toUpperCase()}`);
      }
      saysOnStderr(
        await runCli(['run', '--local-config', 'x'], { env: { MIGRATION_PROXY_LISTEN: 'here' } }),
        2,
        /from env 'MIGRATION_PROXY_LISTEN'/,
      );
      saysOnStderr(await runCli(['run'], { env: { MIGRATION_PROXY_LOCAL_CONFIG: '' } }), 2, /no configuration/);
    });

    it('prints its version', async () => {
      const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
      expect(await runCli(['version'])).to.include({ code: 0, stdout: `${version}\n`, stderr: '' });
      expect(await runCli(['--version'])).to.include({ code: 0, stdout: `${version}\n`, stderr: '' });
    });
  });

  describe('validate', () => {
    it('says nothing on stdout of good files', async () => {
      const result = await runCli(['validate', file]);
      expect(result).to.include({ code: 0, stdout: '', stderr: `${file}: no errors, 1 service\n` });
    });

    it('prints each error as FILE:LINE:COLUMN: PATH: message', async () => {
      writeFileSync(file, GOOD.replace('percentage: 20', 'percentage: 200, strateggy: x'));
      const { code, stdout, stderr } = await runCli(['validate', file]);
      expect(code).to.equal(1);
      const lines = stdout.trimEnd().split('\n');
      expect(lines).to.have.length(2);
      expect(lines[0]).to.match(/migration\.yaml:8:61: services\[0\]\.migration\.percentage: /);
      expect(lines[1]).to.match(/migration\.yaml:8:66: services\[0\]\.migration\.strateggy: .*did you mean.*strategy/i);
      expect(stderr).to.equal('2 errors\n');
    });

    it('reads a manifest, standard input, and several files each for itself', async () => {
      const manifest = `kind: ConfigMap\ndata:\n  migration.yaml: |\n${GOOD.replace('shop.old.test', 'a b').replace(/^/gm, '    ')}`;
      const other = join(directory, 'manifest.yaml');
      writeFileSync(other, manifest);
      const { code, stdout } = await runCli(['validate', file, other, '-'], { input: GOOD });
      expect(code).to.equal(1);
      expect(stdout).to.match(/manifest\.yaml:7:19: services\[0\]\.old_host: /);
      expect(stdout.trimEnd().split('\n')).to.have.length(1);
      expect((await runCli(['validate', '-'], { input: 'no: services' })).stdout).to.match(/^-:1:1: /);
    });

    it('cannot do without its file', async () => {
      saysOnStderr(await runCli(['validate', join(directory, 'none')]), 2, /cannot read .*none: no such file/);
    });
  });

  describe('update of a file', () => {
    it('changes the one value, and nothing else', async () => {
      chmodSync(file, 0o640);
      const result = await runCli(['update', 'shop', '30.5', '--local-config', file]);
      expect(result).to.include({ code: 0, stderr: '', stdout: `${file}:8: shop: 20 % -> 30.5 %\n` });
      expect(readFileSync(file, 'utf8')).to.equal(GOOD.replace('percentage: 20', 'percentage: 30.5'));
      expect(statSync(file).mode & 0o777).to.equal(0o640);
    });

    it('shows the difference as a diff that patch takes, and changes nothing', async () => {
      const { code, stdout } = await runCli(['update', 'shop', '30', '--local-config', file, '--dry-run']);
      expect(code).to.equal(0);
      expect(stdout).to.include('-    migration: { enabled: true, strategy: user, percentage: 20 } # carefully\n');
      expect(stdout).to.include('+    migration: { enabled: true, strategy: user, percentage: 30 } # carefully\n');
      expect(readFileSync(file, 'utf8')).to.equal(GOOD);
      const same = await runCli(['update', 'shop', '20', '--local-config', file, '--dry-run']);
      expect(same).to.include({ code: 0, stdout: '' });
    });

    it('edits standard input onto standard output', async () => {
      const { code, stdout } = await runCli(['update', 'shop', '0', '--local-config', '-'], { input: GOOD });
      expect(code).to.equal(0);
      expect(stdout).to.equal(GOOD.replace('percentage: 20', 'percentage: 0'));
    });

    it('says no to an unknown service, and cannot do without the file', async () => {
      saysOnStderr(await runCli(['update', 'shopp', '30', '--local-config', file]), 1, /shopp/);
      saysOnStderr(await runCli(['update', 'shop', '30', '--local-config', `${file}x`]), 2, /no such file/);
    });
  });

  describe('explain from a file', () => {
    it('tells the decision, the bucket and where it flips', async () => {
      const { code, stdout, stderr } = await runCli(['explain', 'shop', '--user', '42', '--local-config', file]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.match(/^shop -> (old|new)\nreason {4}user\n/);
      expect(stdout).to.match(
        /\nbucket {4}\d+\.\d\d of 100 \(murmur2 of "shop:42"\)\nflips {5}goes to new from [\d.]+ % on\n/,
      );
    });

    it('gives programs JSON and YAML', async () => {
      const args = ['explain', 'shop', '--header', 'X-User-ID: 42', '--ip', '10.1.2.3', '--local-config', file];
      const explained = JSON.parse((await runCli([...args, '-o', 'json'])).stdout) as Record<string, unknown>;
      expect(explained).to.include({ service: 'shop', reason: 'user', strategy: 'user', percentage: 20 });
      expect((await runCli([...args, '-o', 'yaml'])).stdout).to.match(/^service: shop\n/);
    });

    it('says no to an unknown service', async () => {
      saysOnStderr(await runCli(['explain', 'x', '--local-config', file]), 1, /no service "x"/);
    });
  });

  describe('without a proxy', () => {
    for (const args of [['status'], ['update', 'a', '1'], ['abort', 'a'], ['resume', 'a'], ['explain', 'a']]) {
      it(`${args[0]} says which URL was not reached and what to do`, async () => {
        const url = `http://127.0.0.1:${await freePort()}`;
        const byFlag = await runCli([...args, '--admin', url]);
        saysOnStderr(byFlag, 2, new RegExp(`${url}: connection refused; is .*run.* MIGRATION_PROXY_ADMIN`));
        const byVariable = await runCli(args, { env: { MIGRATION_PROXY_ADMIN: url } });
        expect(byVariable.stderr).to.equal(byFlag.stderr);
      });
    }
  });

  describe('streams', () => {
    it('ends without a word when its reader goes away', async () => {
      const child = spawn('sh', ['-c', `"${process.execPath}" "${BIN}" run --help | head -1; echo end >&2`], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let err = '';
      child.stdout.on('data', (data) => {
        out += data;
      });
      child.stderr.on('data', (data) => {
        err += data;
      });
      await new Promise((resolve) => child.once('close', resolve));
      expect(out).to.equal('Usage: migration-proxy run [options]\n');
      expect(err).to.equal('end\n');
    });

    it('keeps colours for terminals, and off with NO_COLOR', async () => {
      const args = ['explain', 'shop', '--local-config', file];
      expect((await runCli(args)).stdout).not.to.include('\x1b');
      // util-linux' script gives the command a terminal.
      const onTerminal = (env: NodeJS.ProcessEnv) =>
        spawnSync('script', ['-qec', `"${process.execPath}" "${BIN}" ${args.join(' ')}`, '/dev/null'], {
          env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
          encoding: 'utf8',
        }).stdout;
      expect(onTerminal({})).to.include('\x1b[1mshop');
      expect(onTerminal({ NO_COLOR: '1' }))
        .to.include('shop')
        .and.not.include('\x1b[');
    });
  });

  describe('completion', () => {
    const complete = (...words: string[]) =>
      runCli(['__complete', '--', ...words], { env: { MIGRATION_PROXY_ADMIN: 'http://127.0.0.1:1' } });

    it('answers candidates, one a line, and never fails', async () => {
      expect(await complete('sta')).to.include({ code: 0, stdout: 'status\n', stderr: '' });
      expect((await complete('run', '--drain-')).stdout).to.equal('--drain-delay\n--drain-timeout\n');
      expect((await complete('validate', '')).stdout).to.equal(':files\n');
      expect(await complete('update', '')).to.include({ code: 0, stdout: '', stderr: '' });
    });

    it('completes in bash', async () => {
      const { stdout: script } = await runCli(['completion', 'bash']);
      const bin = join(directory, 'bin');
      mkdirSync(bin);
      symlinkSync(BIN, join(bin, 'migration-proxy'));
      const ask = `${script}\nCOMP_WORDS=(migration-proxy st); COMP_CWORD=1; _migration_proxy; echo "\${COMPREPLY[@]}"`;
      const path = `${bin}:${join(process.execPath, '..')}:${process.env.PATH}`;
      const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', ask], { env: { PATH: path }, encoding: 'utf8' });
      expect({ stdout, stderr }).to.deep.equal({ stdout: 'status\n', stderr: '' });
    });
  });

  describe('the launcher', () => {
    it('costs little before the command begins: of the packages only the parser of its arguments is loaded', async () => {
      // What is loaded is what the start costs, and it can be counted; milliseconds depend on who else uses the machine.
      const listing = join(directory, 'loaded.mjs');
      writeFileSync(
        listing,
        `import { appendFileSync } from 'node:fs';
        import { registerHooks } from 'node:module';
        const load = (url, context, next) => { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context); };
        registerHooks({ load });`,
      );
      const loaded = join(directory, 'loaded');
      const env = { NODE_OPTIONS: `--import=${listing}`, LOADED: loaded };
      expect((await runCli(['status', '--help'], { env })).code).to.equal(0);
      const urls = readFileSync(loaded, 'utf8').trimEnd().split('\n');
      const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
      expect([...new Set(packages)]).to.deep.equal(['commander']);
      const ownRooms = urls.flatMap((url) => /\/src\/([^/]+)\//.exec(url)?.[1] ?? []);
      expect([...new Set(ownRooms)], 'our own rooms').to.have.members(['cli', 'migration', 'status']);
      expect(urls.length, 'modules').to.be.below(80);
    });

    it('says how to get what is missing', () => {
      const bin = join(directory, 'checkout', 'bin');
      mkdirSync(bin, { recursive: true });
      cpSync(BIN, join(bin, 'migration-proxy.mjs'));
      const start = () => spawnSync(process.execPath, [join(bin, 'migration-proxy.mjs')], { encoding: 'utf8' });
      expect(start()).to.include({ status: 2, stdout: '' });
      expect(start().stderr).to.match(/the program is missing .*install the package again/);
      cpSync(join(REPOSITORY, 'src'), join(bin, '..', 'src'), { recursive: true });
      expect(start().stderr).to.match(
        /^migration-proxy: its dependencies are not installed; run `npm ci` in .*checkout\n$/,
      );
    });

    it('keeps what it compiled of the sources beside them, where that can be, and starts without a word where not', () => {
      const checkout = join(directory, 'checkout');
      const kept = join(checkout, '.cache', 'compiled');
      const version = join(checkout, 'src', 'cli', 'version.ts');
      mkdirSync(join(checkout, 'bin'), { recursive: true });
      cpSync(BIN, join(checkout, 'bin', 'migration-proxy.mjs'));
      cpSync(join(REPOSITORY, 'src'), join(checkout, 'src'), { recursive: true });
      writeFileSync(join(checkout, 'package.json'), '{ "type": "module", "version": "1.2.3" }');
      symlinkSync(join(REPOSITORY, 'node_modules'), join(checkout, 'node_modules'));
      const { NODE_COMPILE_CACHE: _ours, NODE_V8_COVERAGE: _counted, ...env } = process.env;
      const start = (more: Readonly<Record<string, string>> = {}) => {
        const args = [join(checkout, 'bin', 'migration-proxy.mjs'), '--version'];
        const { stdout, stderr } = spawnSync(process.execPath, args, { env: { ...env, ...more }, encoding: 'utf8' });
        return stdout + stderr;
      };

      writeFileSync(join(checkout, '.cache'), 'no directory\n');
      expect(start(), 'nowhere to write').to.equal('1.2.3\n');
      rmSync(join(checkout, '.cache'));
      expect(start({ NODE_COMPILE_CACHE: join(directory, 'elsewhere') }), 'told where').to.equal('1.2.3\n');
      expect(existsSync(kept)).to.equal(false);
      expect(start()).to.equal('1.2.3\n');
      expect(globSync('*/*', { cwd: kept })).to.have.length.above(20);
      writeFileSync(version, readFileSync(version, 'utf8').replace('.version;', ".version + ', edited';"));
      expect(start(), 'after an edit').to.equal('1.2.3, edited\n');
    }).timeout(30_000);

    // The Node that a bare machine has.
    const old = '/usr/bin/node';
    const isOld = () => existsSync(old) && /^v(1\d|20)\./.test(spawnSync(old, ['-v'], { encoding: 'utf8' }).stdout);

    /** `run` by the old Node, when it has printed its first line. */
    const runWithOld = async () => {
      const [port, adminPort] = [await freePort(), await freePort()];
      const flags = [
        '--local-config',
        file,
        '--listen',
        `127.0.0.1:${port}`,
        '--admin-listen',
        `127.0.0.1:${adminPort}`,
      ];
      const child = spawn(old, [BIN, 'run', ...flags], { stdio: ['ignore', 'pipe', 'ignore'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      return { child, adminPort };
    };

    it('runs itself again with the right Node, and passes streams, signals and the exit code on', async function () {
      if (!isOld()) this.skip();
      const asked = spawnSync(old, [BIN, 'validate', '-'], { input: 'x', encoding: 'utf8' });
      expect(asked.status).to.equal(1);
      expect(asked.stdout).to.match(/^-:1:1: /);
      const { child } = await runWithOld();
      child.kill('SIGTERM');
      expect(await new Promise((resolve) => child.once('close', (code) => resolve(code)))).to.equal(0);
    });

    it('takes the proxy along when it is killed', async function () {
      if (!isOld()) this.skip();
      const { child, adminPort } = await runWithOld();
      child.kill('SIGKILL');
      const isGone = () =>
        ask(adminPort).then(
          () => false,
          () => true,
        );
      await eventually('nobody listens any more', isGone);
    });

    it('without such a Node says where to get one', function () {
      if (!isOld()) this.skip();
      const bin = join(directory, 'alone', 'bin');
      mkdirSync(bin, { recursive: true });
      cpSync(BIN, join(bin, 'migration-proxy.mjs'));
      const { status, stderr } = spawnSync(old, [join(bin, 'migration-proxy.mjs')], { encoding: 'utf8' });
      expect(status).to.equal(2);
      expect(stderr).to.match(/^migration-proxy: Node 22\.18 or later is needed, this is v.*npm ci.*nodejs\.org\n$/);
    });
  });
});
