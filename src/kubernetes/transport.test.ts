import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { Transport } from './transport.ts';

describe('requests to an API server', () => {
  it('that are refused together, for their token was replaced, all go on with the new one', async () => {
    const refused: ServerResponse[] = [];
    const server = createServer((request, response) => {
      const isRight = request.headers.authorization === 'Bearer second';
      response.statusCode = isRight ? 200 : 401;
      // None is refused before all are there.
      if (isRight) response.end('{}');
      else if (refused.push(response) === 3) for (const one of refused) one.end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tokens = ['first', 'second', 'never'];
    const transport = new Transport(() => {
      const config = new KubeConfig();
      config.loadFromOptions({
        clusters: [{ name: 'c', server: url, skipTLSVerify: true }],
        users: [{ name: 'u', token: tokens.shift() }],
        contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
        currentContext: 'x',
      });
      return config;
    });
    // Credentials that were read less than a second ago are not read again.
    await pause(1_050);
    const request = { method: 'GET', url, headers: {}, body: undefined };
    const answers = await Promise.all([1, 2, 3].map(() => transport.send(request, new AbortController().signal)));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(tokens, 'read once').to.deep.equal(['never']);
    transport.close();
    server.close();
  });

  it('that are refused while there are no credentials to be found keep no connections', async () => {
    const server = createServer((_, response) => response.writeHead(401).end('no')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    let connections = 0;
    server.on('connection', () => connections++);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let isThere = true;
    const transport = new Transport(() => {
      if (!isThere) throw new Error('the token file is gone');
      const config = new KubeConfig();
      config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u', token: 'first' });
      return config;
    });
    isThere = false;
    const request = { method: 'GET', url, headers: {}, body: undefined };
    const outcomes: string[] = [];
    for (let i = 0; i < 2; i++) {
      await pause(1_050);
      const sent = transport.send(request, new AbortController().signal);
      outcomes.push(
        await sent.then(
          () => 'answered',
          (error: Error) => error.message,
        ),
      );
    }
    await pause(10);
    await transport.send(request, new AbortController().signal);
    expect(outcomes).to.deep.equal(['the token file is gone', 'the token file is gone']);
    expect(connections).to.equal(1);
    transport.close();
    server.close();
  });
});
