/**
 * Whom nginx trusts: backends with certificates of two CAs, one of them trusted by default, asked under every TLS policy and in each
 * way in which a request can go. One service's CA is that of no other. @needs nginx openssl
 */
import { expect } from 'chai';
import { CertificateAuthority } from '../support/certificates.ts';
import { RawClient } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { needsNginx } from '../support/small-nginx.ts';

const NAME = 'backend.example';
/** Whose certificate a backend has. */
type Signer = 'default' | 'own';

interface Side {
  readonly signer: Signer;
  /** `old_tls` or `new_tls`; `CA` stands for the CA that nobody trusts by default. */
  readonly policy: string;
}

interface Row {
  readonly what: string;
  readonly old?: Side;
  readonly new: Side;
  readonly newHost?: string;
  readonly answers: { readonly old: 200 | 502; readonly new: 200 | 502 };
}

const GOOD = { old: 200, new: 200 } as const;
const REFUSED = { old: 200, new: 502 } as const;
const trusting = (signer: Signer, policy: string): Side => ({ signer, policy });

const ROWS: readonly Row[] = [
  { what: 'trusts the default CAs', new: trusting('default', '{}'), answers: GOOD },
  { what: 'meets a CA that nobody named', new: trusting('own', '{}'), answers: REFUSED },
  { what: 'has a CA of its own', new: trusting('own', '{ ca_file: CA }'), answers: GOOD },
  {
    what: 'has a CA of its own and meets one of the default CAs',
    new: trusting('default', '{ ca_file: CA }'),
    answers: REFUSED,
  },
  { what: 'meets another name', new: trusting('default', '{}'), newHost: 'other.example', answers: REFUSED },
  {
    what: 'is told the name',
    new: trusting('default', `{ server_name: ${NAME} }`),
    newHost: 'other.example',
    answers: GOOD,
  },
  {
    what: 'meets another name, by a CA of its own',
    new: trusting('own', '{ ca_file: CA }'),
    newHost: 'other.example',
    answers: REFUSED,
  },
  {
    what: 'verifies nobody',
    new: trusting('own', '{ insecure_skip_verify: true }'),
    newHost: 'other.example',
    answers: GOOD,
  },
  {
    what: 'has a CA of its own for new, the default CAs for old',
    old: trusting('default', `{ server_name: ${NAME} }`),
    new: trusting('own', '{ ca_file: CA }'),
    answers: GOOD,
  },
  {
    what: 'has the default CAs for new, a CA of its own for old',
    old: trusting('own', `{ ca_file: CA, server_name: ${NAME} }`),
    new: trusting('own', '{}'),
    answers: REFUSED,
  },
  {
    what: 'has a CA of its own for new and verifies no old',
    old: trusting('default', '{ insecure_skip_verify: true }'),
    new: trusting('own', '{ ca_file: CA }'),
    answers: GOOD,
  },
  {
    what: 'verifies no new, but old by a CA of its own',
    old: trusting('default', `{ ca_file: CA, server_name: ${NAME} }`),
    new: trusting('default', '{ insecure_skip_verify: true }'),
    answers: { old: 502, new: 200 },
  },
];

/** What stands between the request line and the Host, and after the head: one for each lane. */
const REQUESTS: readonly { readonly method: string; readonly head: string; readonly body: string }[] = [
  { method: 'GET', head: '', body: '' },
  { method: 'POST', head: 'Content-Length: 1\r\n', body: 'x' },
  { method: 'POST', head: 'Transfer-Encoding: chunked\r\n', body: '1\r\nx\r\n0\r\n\r\n' },
  { method: 'GET', head: 'Accept: text/event-stream\r\n', body: '' },
  { method: 'POST', head: 'Accept: text/event-stream\r\nContent-Length: 1\r\n', body: 'x' },
];

describe('nginx with TLS to backends', function () {
  this.timeout(60_000);
  const recorders: Recorder[] = [];
  let nginx: RunningNginx | null = null;

  before(async function () {
    needsNginx(this);
    const authorities = { default: new CertificateAuthority(), own: new CertificateAuthority() };
    const listen = async (signer: Signer): Promise<Recorder> => {
      const recorder = await Recorder.listen(undefined, { tls: authorities[signer].leaf(NAME) });
      recorders.push(recorder);
      return recorder;
    };
    const plain = await Recorder.listen();
    recorders.push(plain);
    // All services ask the same two addresses, so that no connection or session of one serves another.
    const ports = { default: (await listen('default')).port, own: (await listen('own')).port };
    const side = (which: 'old' | 'new', { signer, policy }: Side): string =>
      `    ${which}_backend: 127.0.0.1:${ports[signer]}\n    ${which}_protocol: https\n` +
      `    ${which}_tls: ${policy.replace('CA', authorities.own.caFile)}\n`;
    const services = ROWS.map(
      (row, i) =>
        `  - name: row-${i}\n    old_host: row-${i}.test\n    new_host: ${row.newHost ?? NAME}\n` +
        (row.old === undefined ? `    old_backend: 127.0.0.1:${plain.port}\n` : side('old', row.old)) +
        side('new', row.new) +
        '    canary: { header_rules: [ { header: X-New, match: present, target: new_cluster } ] }\n' +
        '    fallback: { enabled: false }\n',
    );
    const yaml = `global: { health_check_interval: 1h }\nservices:\n${services.join('')}`;
    nginx = await RunningNginx.start(yaml, { env: { NODE_EXTRA_CA_CERTS: authorities.default.caFile } });
  });

  after(async () => {
    await nginx?.end();
    await Promise.all(recorders.map((recorder) => recorder.close()));
  });

  async function statuses(host: string, header: string): Promise<number[]> {
    const found: number[] = [];
    for (const { method, head, body } of REQUESTS) {
      const client = await RawClient.connect((nginx as RunningNginx).proxy.port);
      client.send(`${method} / HTTP/1.1\r\nHost: ${host}\r\n${header}${head}Connection: close\r\n\r\n${body}`);
      found.push((await client.response()).status);
      client.end();
    }
    return found;
  }

  for (const [i, { what, answers }] of ROWS.entries()) {
    it(`a service that ${what}: old ${answers.old}, new ${answers.new}`, async () => {
      // Twice: then there are kept connections and TLS sessions.
      for (const round of [1, 2]) {
        const old = await statuses(`row-${i}.test`, '');
        const fresh = await statuses(`row-${i}.test`, 'X-New: 1\r\n');
        expect({ old, new: fresh }, `round ${round}`).to.deep.equal({
          old: REQUESTS.map(() => answers.old),
          new: REQUESTS.map(() => answers.new),
        });
      }
    });
  }
});
