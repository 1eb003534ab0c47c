/**
 * What nginx's tables make of a request besides its decision: service, lane, client, ids, against the functions of the direct plane
 * where there is one. @needs nginx
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { compileCidrs } from '../../src/allocator/cidr.ts';
import { clientAddress } from '../../src/allocator/client-address.ts';
import { compileService } from '../../src/allocator/compile.ts';
import { parseIp } from '../../src/allocator/ip.ts';
import { sampleMigration } from '../../src/allocator/sample.test.ts';
import type { IpRule, Migration, ServedMigration } from '../../src/migration/model.ts';
import { isAtLeast } from '../../src/nginx/text/settings.ts';
import { HostIndex } from '../../src/routing/hosts.ts';
import { isAmbiguousPath } from '../../src/routing/path.ts';
import { nginxVersion } from '../support/nginx-binary.ts';
import { NginxTables } from '../support/nginx-tables.ts';

function on(name: string, host: string, changes: Partial<Migration> = {}): ServedMigration {
  const sample = sampleMigration({ shareBp: 10_000, ...changes, name });
  return { migration: { ...sample, old: { ...sample.old, host } }, standing: 'valid' };
}

describe('requests in nginx', function () {
  this.timeout(60_000);
  let nginx: NginxTables | null = null;

  const start = async (services: ServedMigration[], names: string[], lanes?: ReadonlyMap<string, string>) =>
    (nginx = await NginxTables.start(services, names, lanes));

  afterEach(async () => {
    await nginx?.stop();
    nginx = null;
  });

  describe('find their service', () => {
    const services = [
      on('whole', 'whole.test'),
      on('short', 'divided.test', { pathPrefix: '/api' }),
      on('rest', 'divided.test'),
      on('long', 'divided.test', { pathPrefix: '/api/v2' }),
      on('odd', 'divided.test', { pathPrefix: "/a$b/~c=d;(e)'f" }),
      on('only', 'strict.test', { pathPrefix: '/only' }),
      on('other', 'strict.test', { pathPrefix: '/Only' }),
      on('third', 'strict.test', { pathPrefix: '/ONLY' }),
      on('deep', 'strict.test', { pathPrefix: '/a/b/c/d/e/f' }),
    ];
    const index = new HostIndex(services.map((served, i) => compileService(served, i)));
    const expected = (host: string, target: string): string => {
      const found = index.find(host, { path: () => target });
      if (typeof found !== 'string') return found.name;
      return found === 'no_such_host' ? '' : 'bad_path';
    };

    it('by host, and by the longest prefix in whole segments with case', async () => {
      const { send, ask } = bound(
        await start(services, ['service', 'bad_path', 'lanes_of'], new Map([['long', '_2']])),
      );
      const paths = ['/', '/api', '/api/', '/api?q', '/api/v2/x?/..', '/api/v20', '/apis', '/API', '/%61pi', '/x/api'];
      paths.push(
        "/a$b/~c=d;(e)'f/g",
        '/only/x',
        '/Only',
        '/ONLY?x',
        '/oNLY',
        '/a/b/c/d/e/f/g',
        '/a/b/c/d/e',
        '/\xc3\xbc',
      );
      for (const host of ['whole.test', 'divided.test', 'strict.test', 'nobody.test']) {
        for (const path of paths) {
          const got = await ask(host, [], `GET ${path} HTTP/1.1`);
          expect(got.service, `${host}${path}`).to.equal(expected(host, path));
          expect(got.bad_path).to.equal('');
        }
      }
      expect((await ask('divided.test', [], 'GET /api/v2 HTTP/1.1')).lanes_of).to.equal('_2');
      expect((await ask('DIVIDED.test.:80', [], 'GET /api HTTP/1.1')).service).to.equal('short');
      const absolute = await send('GET http://Divided.test:81/api/v2?x HTTP/1.1\r\nHost: whole.test\r\n\r\n');
      expect(absolute.service).to.equal('long');
    });

    it('unless the path could be another service’s', async () => {
      const { ask } = bound(await start(services, ['bad_path']));
      const piece = fc.constantFrom(
        '/',
        '/',
        '.',
        '..',
        '%2e',
        '%2E',
        '%2f',
        '%5C',
        '\\',
        '?',
        'a',
        '%25',
        '2f',
        '%41',
        'é',
      );
      const targets = fc.sample(fc.array(piece, { maxLength: 9 }), { numRuns: 3_000, seed: 7 });
      let asked = 0;
      for (const pieces of targets) {
        const target = `/${pieces.join('')}`.replaceAll('é', '\xc3\xa9');
        const got = await ask('strict.test', [], `GET ${target} HTTP/1.1`).catch(() => null);
        // nginx itself refuses what climbs above the root.
        if (got === null) continue;
        asked++;
        expect(got.bad_path, target).to.equal(isAmbiguousPath(target) ? '1' : '');
        expect((await ask('whole.test', [], `GET ${target} HTTP/1.1`)).bad_path).to.equal('');
      }
      expect(asked).to.be.greaterThan(1_500);
    });
  });

  it('take the lane that their method, body and wishes allow', async () => {
    const { ask } = bound(
      await start(
        [on('new', 'new.test'), on('old', 'old.test', { shareBp: 0 })],
        ['lane', 'upgrade_out', 'connection_out'],
      ),
    );
    const socket = ['Connection: keep-alive, Upgrade', 'Upgrade: websocket'];
    const cases: [string, string[], string, string][] = [
      ['GET', [], 'new', 'old'],
      ['DELETE', ['Content-Length: 0'], 'new', 'old'],
      ['PUT', ['Content-Length: 65536'], 'new', 'old'],
      ['PUT', ['Content-Length: 0065536'], 'new', 'old'],
      ['PUT', ['Content-Length: 65537'], 'streamed', 'old_streamed'],
      ['PUT', ['Content-Length: 100000'], 'streamed', 'old_streamed'],
      ['PUT', ['Transfer-Encoding: chunked'], 'streamed', 'old_streamed'],
      ['POST', ['Content-Length: 5'], 'once', 'old'],
      ['PATCH', [], 'once', 'old'],
      ['MKCOL', [], 'once', 'old_streamed'],
      ['GETX', [], 'once', 'old_streamed'],
      ['GET', ['Accept: text/html, TEXT/event-stream;q=1'], 'tunnel', 'old_tunnel'],
      ['POST', ['Accept: text/event-stream'], 'tunnel_once', 'old_tunnel'],
      ['MKCOL', ['Accept: text/event-stream'], 'tunnel_once', 'old_streamed'],
      ['POST', ['Accept: text/event-stream', 'Transfer-Encoding: chunked'], 'streamed', 'old_tunnel'],
      ['GET', socket, 'tunnel', 'old_tunnel'],
      ['GET', ['Upgrade: websocket'], 'new', 'old'],
      ['GET', ['Connection: upgrade', 'Upgrade: h2c'], 'new', 'old'],
      ['PUT', [...socket, 'Content-Length: 3'], 'new', 'old'],
      ['GET', ['Via: 1.0 fred, 1.1 migration-proxy'], 'loop', 'loop'],
      ['GET', ['Via: 1.1 migration-proxy-2, 1.1 migration+proxy, migration-proxy 1.1'], 'new', 'old'],
      ['GET', ['Via: 1.1 google', 'Accept: */*'], 'new', 'old'],
      ['GET', ['Via: 1.1 edge', 'Accept: text/event-stream'], 'tunnel', 'old_tunnel'],
      ['GET', ['Via: 1.1 edge', ...socket], 'tunnel', 'old_tunnel'],
      ['GET', ['Via: */*', 'Accept: */*, 1.1 migration-proxy'], 'new', 'old'],
      ['POST', ['Via: 1.1 edge', 'Content-Length: 5'], 'once', 'old'],
      ['POST', ['Via: 1.1 edge', 'Content-Length: 65537'], 'streamed', 'old_streamed'],
      ['POST', ['Via: 1.1 edge,1.1\tmigration-proxy', 'Content-Length: 5'], 'loop', 'loop'],
      ['MKCOL', ['Via: 1.1 edge'], 'once', 'old_streamed'],
    ];
    for (const [method, lines, onNew, onOld] of cases) {
      // A body that never comes ends the connection.
      const start = [
        ...lines,
        ...(lines.some((line) => /^(?:Content|Transfer)/.test(line)) ? ['Connection: close'] : []),
      ];
      const what = `${method} ${lines}`;
      expect((await ask('new.test', start, `${method} / HTTP/1.1`)).lane, what).to.equal(onNew);
      expect((await ask('old.test', start, `${method} / HTTP/1.1`)).lane, what).to.equal(onOld);
    }
    expect((await ask('new.test', ['X-Test-Gate: closed'])).lane).to.equal('old');
    const offers: [string, string][] = [
      ['websocket', 'websocket'],
      ['websocket, foo/2', 'websocket, foo/2'],
      ['H2C, websocket', 'websocket'],
      ['foo, h2c-14', 'foo'],
      ['a b', ''],
    ];
    for (const [offer, out] of offers) {
      const got = await ask('new.test', ['Connection: Upgrade', `Upgrade: ${offer}`]);
      expect([got.upgrade_out, got.connection_out], offer).to.deep.equal([out, out === '' ? '' : 'Upgrade']);
    }
  });

  it('say who the client is only where the peer is trusted', async () => {
    const names = ['rid', 'forwarded_for', 'forwarded_proto', 'forwarded_host', 'forwarded_port', 'via', 'vain_peer'];
    const trustedProxies = ['127.0.0.0/8', '::1/128'];
    const services = [on('trusting', 'a.test', { trustedProxies }), on('wary', 'b.test')];
    const { ask, send } = bound(await start(services, [...names, 'authority', 'own_id']));
    const lines = [
      'X-Forwarded-For: 192.0.2.1',
      'X-Forwarded-Proto: HTTPS',
      'X-Forwarded-Host: shop.example',
      'X-Request-ID: abc-1',
      'Via: 1.0 edge',
    ];
    const trusted = await ask('a.test', lines);
    expect(trusted).to.include({ rid: 'abc-1', forwarded_for: '192.0.2.1, 127.0.0.1', forwarded_proto: 'https' });
    expect(trusted).to.include({ forwarded_host: 'shop.example', forwarded_port: '443', vain_peer: '' });
    expect(trusted.via).to.equal('1.0 edge, 1.1 migration-proxy');
    expect((await ask('a.test', [...lines, 'X-Forwarded-Port: 8443'])).forwarded_port).to.equal('8443');
    expect((await ask('a.test:81', lines)).forwarded_port).to.equal('81');
    for (const id of ['x'.repeat(129), 'a b', 'é', 'a"b']) {
      const got = await ask('a.test', [`X-Request-ID: ${id}`]);
      expect(got.rid, id).to.equal(got.own_id);
    }
    const wary = await ask('b.test:8000', lines);
    expect(wary).to.include({ rid: wary.own_id, forwarded_for: '127.0.0.1', forwarded_proto: 'http' });
    expect(wary).to.include({ forwarded_host: 'b.test:8000', forwarded_port: '8000', vain_peer: '127.0.0.1' });
    const plain = await ask('b.test');
    expect(plain).to.include({ forwarded_port: '80', vain_peer: '', via: '1.1 migration-proxy', authority: 'b.test' });
    const absolute = await send('GET http://B.test:0090/x HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n');
    expect(absolute).to.include({ authority: 'B.test:0090', forwarded_port: '90', forwarded_host: 'B.test:0090' });
  });

  it('have the client that the rules of trusted proxies find', async () => {
    const trustedProxies = ['127.0.0.1/32', '10.0.0.0/8', '2001:db8::/32'];
    const cidrs = [
      '198.51.100.0/24',
      '10.0.0.4/32',
      '10.0.0.2/32',
      '127.0.0.1/32',
      '2001:db9::/32',
      '10.0.0.0/8',
      '::/0',
    ];
    const headers = cidrs.map((cidr, i): ServedMigration => {
      const ipRules: IpRule[] = [{ cidr, target: 'new' }];
      return on(`s${i}`, `s${i}.test`, { strategy: 'ip', trustedProxies, ipRules });
    });
    const { ask } = bound(await start(headers, ['cluster']));
    const sent = [
      '',
      '203.0.113.9, 198.51.100.7, 10.0.0.2',
      '10.0.0.4, 10.0.0.3, 10.0.0.2',
      '198.51.100.7, unknown, 10.0.0.2',
      '198.51.100.7, _hidden',
      '<script>, 198.51.100.7',
      '198.51.100.7:4711, 10.0.0.2:80',
      '[2001:db9::7]:4711',
      '2001:db9::7, 2001:db8::2',
      '::ffff:198.51.100.7',
      '198.51.100.7 , , 10.0.0.2,, ',
      ', ,',
      // Newer ones read it (seen with 1.28.3).
      ...(isAtLeast(nginxVersion(), 1, 23, 0) ? [] : ['[2001:db9::7]']),
      '198.51.100.7:0',
    ];
    for (const forwarded of sent) {
      const client = clientAddress(parseIp('127.0.0.1')!, compileCidrs(trustedProxies), forwarded);
      for (const [i, cidr] of cidrs.entries()) {
        const { cluster } = await ask(`s${i}.test`, forwarded === '' ? [] : [`X-Forwarded-For: ${forwarded}`]);
        const matches = compileCidrs([cidr]).firstMatch(client) === 0;
        expect(cluster, `${forwarded} in ${cidr}`).to.equal(matches ? 'new' : 'old');
      }
    }
    // Where nginx 1.22 reads a damaged list otherwise: [what was sent, whether it sees 198.51.100.7].
    const otherwise: [string, boolean][] = [
      ['198.51.100.7 198.51.100.8', true],
      ['[198.51.100.7]:80', true],
      ['198.051.100.7', true],
      [',198.51.100.7', false],
      ['198.51.100.7,\t10.0.0.2', false],
    ];
    for (const [forwarded, seen] of otherwise) {
      const { cluster } = await ask('s0.test', [`X-Forwarded-For: ${forwarded}`]);
      expect(cluster, forwarded).to.equal(seen ? 'new' : 'old');
      const client = clientAddress(parseIp('127.0.0.1')!, compileCidrs(trustedProxies), forwarded);
      expect(compileCidrs([cidrs[0]]).firstMatch(client) === 0, forwarded).to.equal(!seen);
    }
    const lines = await ask('s0.test', ['X-Forwarded-For: 198.51.100.7', 'X-Forwarded-For: 10.0.0.2, 10.0.0.3']);
    expect(lines.cluster, 'over several lines').to.equal('new');
  });

  it('get a sticky id once, which the first cookie of that name decides', async () => {
    const services = [on('sticky', 'a.test', { sticky: true }), on('plain', 'b.test')];
    const { ask } = bound(await start(services, ['sticky_id', 'sticky_set', 'request_id']));
    const id = '0123456789abcdef0123456789abcdef';
    expect(await ask('a.test', [`Cookie: a=1; migration_id=${id}`])).to.include({ sticky_id: id, sticky_set: '' });
    expect(await ask('b.test')).to.include({ sticky_set: '' });
    for (const cookie of ['x=1', `migration_id=${id}0`, `migration_id=x; migration_id=${id}`, `Migration_id=${id}`]) {
      const got = await ask('a.test', [`Cookie: ${cookie}`]);
      expect(got.sticky_id).to.equal(got.request_id);
      expect(got.sticky_set).to.equal(
        `migration_id=${got.request_id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000`,
      );
    }
  });
});

function bound(nginx: NginxTables) {
  return { ask: nginx.ask.bind(nginx), send: nginx.send.bind(nginx) };
}
