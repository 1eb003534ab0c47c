import { expect } from 'chai';
import { served } from '../../allocator/sample.test.ts';
import type { Migration } from '../../migration/model.ts';
import { laneSuffixes, serversOf } from './routes.ts';
import { keyOf, Upstreams } from './upstreams.ts';

const base = served().migration;

function service(name: string, changes: Partial<Migration> = {}) {
  return served({ name, old: { ...base.old, host: `${name}.example` }, ...changes });
}

describe('nginx routes', () => {
  it('share a server block where backends, limits and policies are equal, whatever is decided', () => {
    const servers = serversOf([service('b', { shareBp: 100 }), service('a', { strategy: 'header' })]);
    expect(servers.map(({ hosts }) => hosts)).to.deep.equal([['a.example', 'b.example']]);
    expect(servers[0].routes[0].services).to.deep.equal(['a', 'b']);
  });

  it('are apart where nginx is told something else', () => {
    const { fallback, old } = base;
    const differing: Partial<Migration>[] = [
      { timeoutMs: 1_234 },
      { connectTimeoutMs: 1_234 },
      { streamIdleTimeoutMs: 1_234 },
      { retryAttempts: 0 },
      { fallback: { ...fallback, enabled: false } },
      { fallback: { ...fallback, failureStatuses: [500] } },
      { old: { ...old, host: 'z.example', port: 81 } },
      { enabled: false },
    ];
    for (const changes of differing) {
      expect(serversOf([service('a'), service('z', changes)]), JSON.stringify(changes)).to.have.length(2);
    }
  });

  it('of a divided host have a block of their own, and lanes with a number each', () => {
    const onHost = (name: string, pathPrefix: string | null, timeoutMs: number) =>
      service(name, { pathPrefix, timeoutMs, old: { ...base.old, host: 'shop.example' } });
    const services = [onHost('x', '/x', 1), onHost('y', '/y', 2), onHost('rest', null, 1), service('other')];
    const servers = serversOf(services);
    expect(servers.map(({ hosts, divided }) => [hosts, divided])).to.deep.equal([
      [['other.example'], false],
      [['shop.example'], true],
    ]);
    expect([...laneSuffixes(servers)].sort()).to.deep.equal([
      ['rest', '_1'],
      ['x', '_1'],
      ['y', '_2'],
    ]);
  });
});

describe('nginx upstreams', () => {
  const target = { ...base.new, protocol: 'https' as const };

  it('are shared only where connections and TLS sessions may be', () => {
    const peers = [
      { target, tlsName: 'a' },
      { target, tlsName: 'b' },
      { target: { ...target, port: 444 }, tlsName: 'a' },
      { target: { ...target, tls: { ...target.tls, insecureSkipVerify: true } }, tlsName: 'a' },
      { target: { ...target, protocol: 'http' as const }, tlsName: null },
    ];
    expect(new Set(peers.map(keyOf)).size).to.equal(peers.length);
    expect(keyOf(peers[0])).to.equal(keyOf({ target: { ...target, host: 'elsewhere' }, tlsName: 'a' }));
  });

  it('keep their names over edits of others, and a name that never resolved is down alone', () => {
    const alone = new Upstreams(() => null);
    const { name, addresses } = alone.use({ target, tlsName: 'a' });
    const among = new Upstreams(() => ['10.0.0.2', '2001:db8::1']);
    among.use({ target, tlsName: 'b' });
    expect(among.use({ target, tlsName: 'a' })).to.deep.equal({ name, addresses: 2 });
    expect(addresses).to.equal(0);
    expect(alone.blocks()[0].servers).to.deep.equal([{ server: '127.0.0.1:1', down: true }]);
    const servers = among.blocks()[0].servers.map(({ server }) => server);
    expect(servers).to.deep.equal([`10.0.0.2:${target.port}`, `[2001:db8::1]:${target.port}`]);
  });
});
