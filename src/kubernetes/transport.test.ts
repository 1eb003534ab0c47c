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
});
