/**
 * Connections and TLS sessions that are kept: for whom they may be used again, and what becomes of a request whose connection
 * had gone stale. A server of TLS tells which name was asked for on each connection.
 */
import type { TLSSocket } from 'node:tls';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { expect } from 'chai';
import { CertificateAuthority } from '../../support/certificates.ts';
import { field } from '../../support/http-message.ts';
import { OK, type Script } from '../../support/recorder.ts';
import type { ServiceText } from '../configuration.ts';
import { decisionOf, errorIn, type Given, head, onStage, request, type Stage } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

/** The second request of the first connection is answered by its end. */
const endingOnce: Script = ({ request: { connection }, index, socket }) => {
  if (index !== 1 || connection !== 0) return OK;
  socket.destroy();
  return null;
};

const stale = (name: string, bytes: string, connections: readonly number[]): Case => ({
  name,
  run: (plane) =>
    onStage(plane, { new: endingOnce }, async (stage) => {
      expect((await stage.ask(request('GET', '/'))).status).to.equal(200);
      const answer = await stage.ask(bytes);
      const told = connections.length === 3 ? [200, null] : [502, 'upstream_invalid_response'];
      expect([answer.status, errorIn(answer)]).to.deep.equal(told);
      expect(stage.requestsAt('new').map(({ connection }) => connection)).to.deep.equal(connections);
      expect(stage.requestsAt('old')).to.deep.equal([]);
    }),
});

const staleCases: readonly Case[] = [
  ...[request('HEAD', '/'), request('OPTIONS', '/'), request('DELETE', '/'), request('PUT', '/', [], 'hello')].map(
    (bytes) => stale(`a stale connection: ${methodOf(bytes)} goes out on a fresh one`, bytes, [0, 0, 1]),
  ),
  ...[
    request('POST', '/', [], 'hello'),
    request('PATCH', '/', [], 'hello'),
    request('LOCK', '/', [], 'hello'),
    request('MKCOL', '/'),
    request('REPORT', '/'),
  ].map((bytes) => stale(`a stale connection: ${methodOf(bytes)} is never sent twice`, bytes, [0, 0])),
];

function methodOf(bytes: string): string {
  return bytes.slice(0, bytes.indexOf(' '));
}

const authority = new Map<'only', CertificateAuthority>();
function ca(): CertificateAuthority {
  const known = authority.get('only') ?? new CertificateAuthority();
  authority.set('only', known);
  return known;
}

/** A gateway that has a certificate for each of these names, and shows that of the first to everybody else. */
function gateway(...names: readonly string[]): TlsOptions {
  const leaves = new Map(names.map((name) => [name, ca().leaf(name)]));
  return {
    ...leaves.get(names[0]),
    SNICallback: (name, tell) => {
      const leaf = leaves.get(name);
      tell(null, leaf === undefined ? undefined : createSecureContext(leaf));
    },
  };
}

const behind = (name: string, more: ServiceText = {}): ServiceText => ({
  name,
  old_host: `${name}.example`,
  new_host: `${name}.new.example`,
  new_protocol: 'https',
  new_tls: { ca: ca().ca },
  ...more,
});

const ask = async (stage: Stage, service: string): Promise<string> =>
  decisionOf(await stage.ask(head('GET / HTTP/1.1', `Host: ${service}.example`)));

const socketAt = (stage: Stage, connection: number): TLSSocket => stage.under.new.sockets[connection] as TLSSocket;

/** For each request the name that its connection was made for, and the Host in it. */
function namesAt(stage: Stage): string[][] {
  return stage
    .requestsAt('new')
    .map((seen) => [String(socketAt(stage, seen.connection).servername), field(seen, 'host') ?? '']);
}

const TWO_NAMES = (): Given => ({
  newTls: gateway('one.new.example', 'two.new.example'),
  services: [behind('one'), behind('two')],
});

/** Ends each connection behind its first answer, and notes whether its session was resumed. */
const closing =
  (resumed: boolean[]): Script =>
  ({ socket }) => {
    resumed.push((socket as TLSSocket).isSessionReused());
    socket.end(head('HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0'));
    return null;
  };

const secure: readonly Case[] = [
  {
    name: 'two TLS names behind one address: a connection is used again for its own name alone',
    run: (plane) =>
      onStage(plane, TWO_NAMES(), async (stage) => {
        for (const service of ['one', 'two', 'one', 'two', 'two', 'one']) {
          expect(await ask(stage, service)).to.equal('new weight');
        }
        for (const [asked, host] of namesAt(stage)) expect(asked).to.equal(host);
        expect(stage.under.new.connections, 'each name keeps one').to.equal(2);
      }),
  },
  {
    name: 'two TLS names behind one address: a session is resumed for its own name alone',
    run: (plane) => {
      const resumed: boolean[] = [];
      return onStage(plane, { ...TWO_NAMES(), new: closing(resumed) }, async (stage) => {
        for (const service of ['one', 'one', 'one', 'two', 'two']) {
          expect(await ask(stage, service)).to.equal('new weight');
        }
        for (const [asked, host] of namesAt(stage)) expect(asked).to.equal(host);
        expect([resumed[0], resumed[3]], 'the first of each name').to.deep.equal([false, false]);
        // A session of TLS 1.3 is used once, and not every answer brings a new one in time.
        expect(resumed.slice(1, 3), 'a session is kept').to.include(true);
      });
    },
  },
  {
    name: 'a certificate of the other name behind the same address is none',
    run: (plane) =>
      onStage(
        plane,
        { newTls: gateway('one.new.example'), services: [behind('one'), behind('two')] },
        async (stage) => {
          for (const service of ['one', 'two', 'one', 'two']) {
            const expected = service === 'one' ? 'new' : 'old';
            expect(await ask(stage, service)).to.equal(`${expected} weight`);
          }
          expect(await stage.outcomes(6)).to.deep.equal([
            ...['new answered', 'new tls', 'old answered'],
            ...['new answered', 'new tls', 'old answered'],
          ]);
        },
      ),
  },
  {
    name: 'a connection that was not verified is never used for a service that verifies',
    run: (plane) =>
      onStage(
        plane,
        {
          newTls: gateway('same.new.example'),
          services: [
            behind('lax', { new_host: 'same.new.example', new_tls: { insecure_skip_verify: true } }),
            behind('strict', { new_host: 'same.new.example', new_tls: { ca: new CertificateAuthority().ca } }),
            behind('right', { new_host: 'same.new.example' }),
          ],
        },
        async (stage) => {
          for (const service of ['lax', 'strict', 'right', 'strict', 'lax']) {
            const expected = service === 'strict' ? 'old' : 'new';
            expect(await ask(stage, service)).to.equal(`${expected} weight`);
          }
        },
      ),
  },
  {
    name: 'server_name is asked for and verified, Host stays new_host',
    run: (plane) =>
      onStage(
        plane,
        {
          newTls: gateway('gateway.example'),
          services: [behind('one', { new_tls: { ca: ca().ca, server_name: 'gateway.example' } })],
        },
        async (stage) => {
          expect(await ask(stage, 'one')).to.equal('new weight');
          expect(namesAt(stage)).to.deep.equal([['gateway.example', 'one.new.example']]);
        },
      ),
  },
];

export const pools: Theme = { name: 'pools', cases: [...staleCases, ...secure] };
