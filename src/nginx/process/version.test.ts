import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { buildIn, inspectNginx, unfitBuild } from './version.ts';

const DEBIAN = `nginx version: nginx/1.22.1
built with OpenSSL 3.0.9
configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx --modules-path=/usr/lib/nginx/modules --with-http_ssl_module --with-http_stub_status_module
`;

function program(script: string): string {
  const path = join(tempDir(), 'nginx');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the nginx that is there', () => {
  it('says its version, its modules and where more of them are', () => {
    const build = buildIn(DEBIAN);
    expect(build.version).to.deep.equal({ major: 1, minor: 22, patch: 1 });
    expect([...build.flags]).to.include('--with-http_stub_status_module');
    expect(build.modulesPath).to.equal('/usr/lib/nginx/modules');
    expect(buildIn('nginx version: nginx/1.25.3 (Ubuntu)\n').version).to.deep.equal({ major: 1, minor: 25, patch: 3 });
    expect(buildIn('nginx version: openresty/1.25.3.2\n').version).to.deep.equal({ major: 1, minor: 25, patch: 3 });
    expect(build.openssl).to.equal(true);
    for (const other of ['LibreSSL 3.8.2', 'BoringSSL']) {
      expect(buildIn(DEBIAN.replace('OpenSSL 3.0.9', other)).openssl, other).to.equal(false);
    }
    expect(buildIn('configure arguments: --prefix=/opt/n').modulesPath).to.equal('/opt/n/modules');
  });

  it('is enough, or what it lacks is named', () => {
    expect(unfitBuild(DEBIAN)).to.equal(null);
    expect(unfitBuild(DEBIAN.replace('1.22.1', '1.18.0'))).to.equal('is nginx 1.18.0, older than 1.22');
    expect(unfitBuild(DEBIAN.replace('--with-http_ssl_module', ''))).to.equal(
      'is built without --with-http_ssl_module',
    );
    const lean = DEBIAN.replace('--prefix', '--without-http_geo_module --prefix');
    expect(unfitBuild(lean)).to.equal('is built with --without-http_geo_module');
    expect(unfitBuild(DEBIAN.replace('--prefix', '--without-pcre --prefix'))).to.contain('regular expressions');
    expect(unfitBuild('hello')).to.equal('does not say which nginx it is');
  });

  it('may lack what texts can do without', async () => {
    const lean = DEBIAN.replace(
      '--with-http_stub_status_module',
      '--without-http_gzip_module --without-http_scgi_module',
    );
    expect(unfitBuild(lean)).to.equal(null);
    const path = program(`cat >&2 <<'END'\n${lean.replaceAll("'", '')}END`);
    expect(await inspectNginx(path)).to.deep.include({ ok: true, lacks: ['stub_status', 'gzip', 'scgi'] });
  });

  it('is asked, and finds njs where the package put it', async () => {
    const modules = join(tempDir(), 'modules');
    const text = DEBIAN.replace('/usr/lib/nginx/modules', modules).replaceAll("'", '');
    const path = program(`cat >&2 <<'END'\n${text}END`);
    const facts = { ok: true, version: { major: 1, minor: 22, patch: 1 }, lacks: [], tlsCommands: true };
    expect(await inspectNginx(path)).to.deep.equal({ ...facts, njsModule: null });
    mkdirSync(modules);
    writeFileSync(join(modules, 'ngx_http_js_module.so'), '');
    const njsModule = join(modules, 'ngx_http_js_module.so');
    expect(await inspectNginx(path)).to.deep.equal({ ...facts, njsModule });
  });

  it('may be missing or broken, and what to do is said', async () => {
    const missing = await inspectNginx('/nowhere/nginx');
    expect(missing).to.have.property('message').that.contains('/nowhere/nginx -V cannot be run');
    expect(missing).to.have.property('message').that.contains('install nginx 1.22 or newer');
    const broken = await inspectNginx(program('echo "libfoo.so: cannot open shared object" >&2; exit 127'));
    expect(broken).to.have.property('message').that.contains('libfoo.so: cannot open shared object');
  });
});
