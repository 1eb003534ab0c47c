/**
 * Several services on one host: which one takes a path, compared as it was sent, and which paths none may take because a
 * backend could resolve them to another service's. A service is known by the name that new is asked for.
 */
import { expect } from 'chai';
import { field } from '../../support/http-message.ts';
import { HOST, type ServiceText } from '../configuration.ts';
import { errorIn, type Given, head, onStage } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const service = (name: string, more: ServiceText): ServiceText => ({ name, new_host: `${name}.new.example`, ...more });

/** A host divided by path with a rest, one without, and one that is whole. */
const DIVIDED: Given = {
  services: [
    service('rest', {}),
    service('api', { path_prefix: '/api' }),
    service('v2', { path_prefix: '/api/v2' }),
    service('upper', { path_prefix: '/API' }),
    service('only', { path_prefix: '/only', old_host: 'divided.example' }),
    service('whole', { old_host: 'whole.example' }),
  ],
};

/** Host, target, and the service, or the code of the refusal. */
const ROWS: readonly (readonly [host: string, target: string, taken: string])[] = [
  [HOST, '/', 'rest'],
  [HOST, '/api', 'api'],
  [HOST, '/api/', 'api'],
  [HOST, '/api/x', 'api'],
  [HOST, '/api?x=/api/v2', 'api'],
  [HOST, '/apis', 'rest'],
  [HOST, '/api.json', 'rest'],
  [HOST, '/api;v=1', 'rest'],
  [HOST, '/x/api', 'rest'],
  [HOST, '/%61pi', 'rest'],
  [HOST, '/API/x', 'upper'],
  [HOST, '/Api', 'rest'],
  [HOST, '/api/v2', 'v2'],
  [HOST, '/api/v2/x', 'v2'],
  [HOST, '/api/v2?q', 'v2'],
  [HOST, '/api/v22', 'api'],
  [HOST, '/api/...', 'api'],
  [HOST, '/api/.hidden', 'api'],
  [HOST, '/api/a.b/c..d', 'api'],
  [HOST, '/api/x?next=/../a//b%2f', 'api'],
  [HOST, `http://${HOST}/api/v2`, 'v2'],
  [HOST, `http://${HOST}`, 'rest'],
  [HOST, 'http://whole.example/api', 'whole'],
  ['SHOP.Example:8000', '/api', 'api'],
  ['shop.example.', '/api', 'api'],
  ...[
    ...['/..', '/../api', '/api/..', '/api/../x', '/api/.', '/./api', '/api/./v2', '/api/..?x'],
    ...['/api/%2e%2e/x', '/api/%2E%2e', '/api/.%2e/x', '/api/%2e.', '/%2e/api', '/api/%2e'],
    ...['//', '//api', '/api//v2', '/api/x//'],
    ...['/api%2fv2', '/api%2Fv2', '/api/%2f', '/api%5cv2', '/api%5Cv2', '/api\\v2', '/\\api'],
    ...[`http://${HOST}/api/../x`, `http://${HOST}//api`],
  ].map((target) => [HOST, target, 'bad_path'] as const),
  ['divided.example', '/only/x', 'only'],
  ['divided.example', '/', 'no_such_host'],
  ['divided.example', '/onlyx', 'no_such_host'],
  ['divided.example', '/only/../x', 'bad_path'],
  ['whole.example', '/api/../x', 'whole'],
  ['whole.example', '//evil.example/x', 'whole'],
  ['whole.example', '/\\evil.example', 'whole'],
  ['whole.example', '/%2e%2e%2f', 'whole'],
  ['other.example', '/api', 'no_such_host'],
  ['example', '/api', 'no_such_host'],
  ['x.shop.example', '/api', 'no_such_host'],
  ['shop.example.evil', '/api', 'no_such_host'],
  [HOST, 'http://169.254.169.254/api', 'no_such_host'],
];

const STATUS: Readonly<Record<string, number>> = { bad_path: 400, no_such_host: 404 };

const taken: readonly Case[] = ROWS.map(([host, target, service]) => ({
  name: `${target} on ${host}: ${service}`,
  run: (plane) =>
    onStage(plane, DIVIDED, async (stage) => {
      const answer = await stage.ask(head(`GET ${target} HTTP/1.1`, `Host: ${host}`));
      const status = STATUS[service];
      if (status === undefined) {
        expect(answer.status).to.equal(200);
        const { startLine, ...seen } = stage.only('new');
        expect(field(seen, 'host')).to.equal(`${service}.new.example`);
        const path = target.replace(/^http:\/\/[^/]*/, '') || '/';
        expect(startLine).to.equal(`GET ${path} HTTP/1.1`);
      } else {
        expect([answer.status, errorIn(answer)]).to.deep.equal([status, service]);
        expect(stage.received).to.equal('');
        expect(await stage.refused()).to.deep.equal([service]);
      }
    }),
}));

const options: Case = {
  name: 'OPTIONS * on a divided host belongs to the rest',
  run: (plane) =>
    onStage(plane, DIVIDED, async (stage) => {
      expect((await stage.ask(head('OPTIONS * HTTP/1.1', `Host: ${HOST}`))).status).to.equal(200);
      expect(stage.only('new').startLine).to.equal('OPTIONS * HTTP/1.1');
      expect(field(stage.only('new'), 'host')).to.equal('rest.new.example');
    }),
};

const goesOn: Case = {
  name: 'a connection goes on after a request that no service took',
  run: (plane) =>
    onStage(plane, DIVIDED, async (stage) => {
      const client = await stage.client();
      const ask = (host: string, path: string): string => head(`GET ${path} HTTP/1.1`, `Host: ${host}`);
      client.send(ask('other.example', '/') + ask(HOST, '/api//') + ask(HOST, '/api'));
      const statuses = [await client.response(), await client.response(), await client.response()].map((a) => a.status);
      expect(statuses).to.deep.equal([404, 400, 200]);
      expect(stage.only('new').startLine).to.equal('GET /api HTTP/1.1');
    }),
};

export const paths: Theme = { name: 'paths', cases: [...taken, options, goesOn] };
