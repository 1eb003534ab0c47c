/**
 * An nginx text of few servers and one of many say the words of an ordinary request in different places: the backend and the client see
 * the same lines from both. @needs nginx
 */
import { expect } from 'chai';
import { loopback } from '../support/many-services.ts';
import { ask } from '../support/raw-client.ts';
import { answer, Recorder } from '../support/recorder.ts';
import { OWN_REQUEST_ID } from '../support/request-ids.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { needsNginx } from '../support/small-nginx.ts';

const OTHERS = 300;

/** Names new's host wherever an answer of new would be changed. */
const ANSWER = answer(
  200,
  'ok',
  'Server: origin',
  'Location: http://shop.new.test/a',
  'Refresh: 5; url=http://shop.new.test/b',
  'Content-Location: http://shop.new.test/c',
  'Set-Cookie: a=1; Domain=shop.new.test',
  'Upgrade: h2c',
  'X-Accel-Redirect: /x',
);

const SENT = {
  Accept: '*/*',
  TE: 'trailers',
  'Keep-Alive': '5',
  'X-Request-ID': 'mine',
  'X-Forwarded-For': '192.0.2.1',
};

const service = (name: string, old: string, fresh: string, more = ''): string =>
  `  - { name: ${name}, old_host: ${name}.test, old_backend: "${old}", new_host: ${name}.new.test, new_backend: "${fresh}",` +
  ` migration: { percentage: 0 }${more} }\n`;

const masked = (fields: readonly (readonly [string, string])[]): string[] =>
  fields
    .map(([name, value]) => `${name}: ${value.replace(OWN_REQUEST_ID, '*')}`)
    .filter((line) => !/^date:/i.test(line));

describe('nginx with many servers', function () {
  this.timeout(60_000);
  let backend: Recorder | null = null;
  before(function () {
    needsNginx(this);
  });
  afterEach(async () => {
    await backend?.close();
  });

  it('sends and answers the same lines as with few', async () => {
    backend = await Recorder.listen(ANSWER);
    const { port } = backend;
    const others = Array.from({ length: OTHERS }, (_, i) => service(`s${i}`, `${loopback(i)}:9`, `${loopback(i)}:99`));
    const shop = service('shop', `127.0.0.1:${port}`, '127.0.0.1:9', ', fallback: { enabled: false }');
    const seen = [];
    for (const yaml of [`services:\n${shop}`, `services:\n${shop}${others.join('')}`]) {
      const nginx = await RunningNginx.start(yaml);
      try {
        const got = await ask(nginx.proxy.port, { host: 'shop.test', headers: SENT });
        const posted = await ask(nginx.proxy.port, { host: 'shop.test', headers: SENT, method: 'POST', body: 'x' });
        const lines = [got, posted, ...backend.requests.splice(0)].map(({ fields }) => masked(fields));
        seen.push({ statuses: [got.status, posted.status], lines: lines.map((some) => some.sort()) });
      } finally {
        await nginx.end();
      }
    }
    expect(seen[0].lines).to.have.length(4);
    expect(seen[0].lines[0]).to.include('Location: http://shop.new.test/a');
    expect(seen[1]).to.deep.equal(seen[0]);
  });
});
