/**
 * Golden files of the nginx text: a configuration, a line of ten dashes, and what is rendered of it. A real nginx must take each text
 * as it is, with other paths. `UPDATE_GOLDEN=1` writes what is rendered now; look at the difference before you keep
 * it. Without nginx that part is skipped by name; in CI that is a failure. @needs nginx
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { NOTHING_APPLIED } from '../../src/migration/applied.ts';
import { applyReads } from '../../src/migration/apply.ts';
import { readSource } from '../../src/migration/parse.ts';
import { readTemplates } from '../../src/nginx/templates.ts';
import { renderNginx } from '../../src/nginx/text/render.ts';
import type { Rendered } from '../../src/nginx/text/rendered.ts';
import type { NginxSettings } from '../../src/nginx/text/settings.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { sampleSettings } from '../support/nginx-settings.ts';
import { tempDir } from '../support/temp-dir.ts';

const DIRECTORY = join(import.meta.dirname, 'nginx');
const SEPARATOR = '\n----------\n';

const SETTINGS = sampleSettings({
  listen: { host: null, port: 8000 },
  directory: '/dev/shm/migration-proxy-1000/8000',
  workers: 2,
  shutdownTimeoutMs: 300_000,
  caBundle: '/dev/shm/migration-proxy-1000/8000/ca.pem',
  caDirectory: '/dev/shm/migration-proxy-1000/8000/tls/ca.certs',
  mostFiles: 20_000,
  limits: { maxConnections: 0 },
});

/** Names have their own address each, `two-addresses` has two, `gone.old` never resolved. */
function addresses(host: string): readonly string[] | null {
  if (host === 'gone.old') return null;
  if (host === 'two-addresses') return ['10.9.0.1', '10.9.0.2'];
  return /^[\d.]+$|:/.test(host) ? [host] : [`10.1.0.${host.length}`];
}

function rendered(configuration: string, settings: NginxSettings): Rendered {
  const read = readSource({ file: 'migration.yaml', text: configuration, kind: 'file' });
  const { errors, services } = applyReads(NOTHING_APPLIED, [{ id: 'golden', read }], [], 0);
  expect(errors).to.deep.equal([]);
  return renderNginx({ services, addresses, settings }, readTemplates());
}

const nginx = ['nginx', '/usr/sbin/nginx'].find((command) => spawnSync(command, ['-v']).status === 0);

describe('the nginx text, golden files', function () {
  this.timeout(20_000);
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.golden'));
  let caFile = '';
  before(() => {
    caFile = new CertificateAuthority().caFile;
  });

  for (const file of files.sort()) {
    const path = join(DIRECTORY, file);
    const [configuration, expected] = readFileSync(path, 'utf8').split(SEPARATOR);

    it(file.replace('.golden', ''), () => {
      const { text } = rendered(configuration, SETTINGS);
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, `${configuration}${SEPARATOR}${text}`);
      else expect(text).to.equal(expected);
    });

    it(`${file.replace('.golden', '')} is taken by a real nginx`, function () {
      if (nginx === undefined) {
        const reason = 'nginx is not installed (Debian: apt-get install nginx-light)';
        if (process.env.CI) throw new Error(reason);
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      const directory = tempDir();
      const { text, files: named } = rendered(configuration, { ...SETTINGS, directory, caBundle: caFile });
      for (const folder of ['log', 'run', 'temp', 'flags']) mkdirSync(join(directory, folder));
      for (const [name, content] of named) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), content);
      }
      writeFileSync(join(directory, 'nginx.conf'), text);
      const arguments_ = ['-t', '-q', '-p', directory, '-c', join(directory, 'nginx.conf')];
      const checked = spawnSync(nginx, arguments_, { encoding: 'utf8', timeout: 15_000 });
      // A listen port that is taken and limits of this machine are no matter of the text.
      const words = checked.stderr.split('\n').filter((line) => line !== '' && !/open file resource limit/.test(line));
      expect({ status: checked.status, words }).to.deep.equal({ status: 0, words: [] });
    });
  }
});
