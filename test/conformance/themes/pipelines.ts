/** Several requests on one connection: answers in the order of the requests, whoever is quicker, and an end that is one. */

import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { OK, answer as scripted } from '../../support/recorder.ts';
import { HOST } from '../configuration.ts';
import { type Given, head, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

/** New takes its time; who asks for old says so. */
const SLOW_NEW: Given = {
  service: { canary: { header_rules: [{ header: 'X-To', value: 'old', target: 'old_cluster' }] } },
  new: async ({ request: { startLine } }) => {
    await pause(20);
    return scripted(200, startLine);
  },
  old: ({ request: { startLine } }) => scripted(200, startLine),
};
const TO_OLD = ['X-To: old'];

const inOrder: Case = {
  name: 'answers come in the order of the requests, whoever is quicker',
  run: (plane) =>
    onStage(plane, SLOW_NEW, async (stage) => {
      const client = await stage.client();
      const all = Array.from({ length: 10 }, (_, i) => request('GET', `/${i}`, i % 2 === 0 ? [] : TO_OLD));
      client.send(all.join(''));
      for (let i = 0; i < all.length; i++) {
        const answer = await client.response({ withinMs: stage.patienceMs });
        expect(answer.body.toString()).to.equal(`GET /${i} HTTP/1.1`);
      }
    }),
};

const many: Case = {
  name: '500 requests in one write, with bodies of both framings between them',
  run: (plane) =>
    onStage(
      plane,
      { new: ({ request: { startLine, body } }) => scripted(200, `${startLine} ${body}`) },
      async (stage) => {
        const kinds = [
          (i: number): string => request('GET', `/${i}`),
          (i: number): string => request('POST', `/${i}`, [], 'GET / HTTP/1.1'),
          (i: number): string =>
            `${request('PUT', `/${i}`, ['Transfer-Encoding: chunked'])}e\r\nGET / HTTP/1.1\r\n0\r\n\r\n`,
        ];
        const client = await stage.client();
        client.send(Array.from({ length: 500 }, (_, i) => kinds[i % kinds.length](i)).join(''));
        for (let i = 0; i < 500; i++) {
          const answer = await client.response({ withinMs: stage.patienceMs });
          const expected = [
            `GET /${i} HTTP/1.1 `,
            `POST /${i} HTTP/1.1 GET / HTTP/1.1`,
            `PUT /${i} HTTP/1.1 GET / HTTP/1.1`,
          ];
          expect(answer.body.toString()).to.equal(expected[i % kinds.length]);
        }
      },
    ),
};

/** What follows a connection's last request is read by nobody. */
const LAST: readonly (readonly [name: string, last: string])[] = [
  ['Connection: close', request('GET', '/last', ['Connection: close'])],
  ['Connection: close among others', request('GET', '/last', ['Connection: x-a, CLOSE'])],
  ['HTTP/1.0', head('GET /last HTTP/1.0', `Host: ${HOST}`)],
  ['a body behind Connection: close', request('POST', '/last', ['Connection: close'], 'hello')],
];

const last: readonly Case[] = LAST.map(([name, bytes]) => ({
  name: `nothing is read behind the last request: ${name}`,
  run: (plane) =>
    onStage(plane, {}, async (stage) => {
      const client = await stage.client();
      client.send(request('GET', '/first') + bytes + request('GET', '/never'));
      for (let i = 0; i < 2; i++) expect((await client.response({ withinMs: stage.patienceMs })).status).to.equal(200);
      expect((await client.closed(stage.patienceMs)).toString()).to.equal('');
      const paths = stage.requestsAt('new').map(({ startLine }) => startLine.split(' ')[1]);
      expect(paths).to.deep.equal(['/first', '/last']);
    }),
}));

const piecemeal: Case = {
  name: 'a request that comes byte by byte is the same request',
  run: (plane) =>
    onStage(plane, { new: OK }, async (stage) => {
      const client = await stage.client();
      const bytes = `${request('PUT', '/x', ['Transfer-Encoding: chunked'])}5;a=b\r\nhello\r\n0\r\n\r\n`;
      for (const byte of bytes) {
        client.send(byte);
        await pause(0);
      }
      expect((await client.response({ withinMs: stage.patienceMs })).status).to.equal(200);
      expect(stage.only('new').body.toString()).to.equal('hello');
    }),
};

export const pipelines: Theme = { name: 'pipelines', cases: [inOrder, many, ...last, piecemeal] };
