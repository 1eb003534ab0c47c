/** Names of new in an answer come back as those that the client used, and nothing that only looks like them does. */
import { expect } from 'chai';
import { field } from '../../support/http-message.ts';
import { answer as scripted } from '../../support/recorder.ts';
import { HOST, NEW_HOST } from '../configuration.ts';
import { type Given, head, onStage } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

/** What new names in a field, and what the client gets; the client asked `shop.example:8000`, new speaks HTTP. */
const NAMES: readonly (readonly [name: string, from: string, arrives?: string])[] = [
  ['Location', `http://${NEW_HOST}/a?b#c`, `http://${HOST}:8000/a?b#c`],
  ['Location', `http://${NEW_HOST}`, `http://${HOST}:8000`],
  ['Location', `http://${NEW_HOST}?a`, `http://${HOST}:8000?a`],
  ['Location', `http://${NEW_HOST.toUpperCase()}/`, `http://${HOST}:8000/`],
  ['Location', `HTTP://${NEW_HOST}/`, `http://${HOST}:8000/`],
  ['Location', `http://${NEW_HOST}:8443/`, `http://${HOST}:8000/`],
  ['Location', `https://${NEW_HOST}:443/x`, `https://${HOST}:8000/x`],
  ['Location', `//${NEW_HOST}/x`, `//${HOST}:8000/x`],
  ['Location', '/relative'],
  ['Location', 'relative?x'],
  ['Location', `http://${HOST}/already`],
  ['Location', `http://${NEW_HOST}.evil.example/`],
  ['Location', `http://x${NEW_HOST}/`],
  ['Location', `http://x.${NEW_HOST}/`],
  ['Location', 'http://new.example/'],
  ['Location', `http://${NEW_HOST}@evil.example/`],
  ['Location', `http://user@${NEW_HOST}/`],
  ['Location', `http://${NEW_HOST}:80x/`],
  ['Location', `http://other.example/?to=http://${NEW_HOST}/`],
  ['Location', `ftp://${NEW_HOST}/`],
  ['Content-Location', `http://${NEW_HOST}/doc`, `http://${HOST}:8000/doc`],
  ['Content-Location', '/doc'],
  ['Refresh', `5; url=http://${NEW_HOST}/x`, `5; url=http://${HOST}:8000/x`],
  ['Refresh', `0;URL='http://${NEW_HOST}/x'`, `0;URL='http://${HOST}:8000/x'`],
  ['Refresh', '5'],
  ['Refresh', `5; url=http://${NEW_HOST}.evil.example/`],
  ['Set-Cookie', `a=1; Domain=${NEW_HOST}; Path=/`, `a=1; Domain=${HOST}; Path=/`],
  ['Set-Cookie', `a=1; domain=.${NEW_HOST}`, `a=1; domain=.${HOST}`],
  ['Set-Cookie', `a=1; Secure; DOMAIN=${NEW_HOST.toUpperCase()}; HttpOnly`, `a=1; Secure; DOMAIN=${HOST}; HttpOnly`],
  ['Set-Cookie', 'a=1; Domain=new.example'],
  ['Set-Cookie', `a=1; Domain=x.${NEW_HOST}`],
  ['Set-Cookie', `a=Domain=${NEW_HOST}`],
  ['Set-Cookie', `domain=${NEW_HOST}; Path=/`],
  ['X-Location', `http://${NEW_HOST}/`],
];

const fromNew = (name: string, value: string): string =>
  head('HTTP/1.1 200 OK', `${name}: ${value}`, 'Content-Length: 0');
const askedAt = (...lines: readonly string[]): string => head('GET / HTTP/1.1', `Host: ${HOST}:8000`, ...lines);

const renamed: readonly Case[] = NAMES.map(([name, from, arrives = from]) => ({
  name: `${name}: ${from}`,
  run: (plane) =>
    onStage(plane, { new: fromNew(name, from) }, async (stage) => {
      expect(field(await stage.ask(askedAt()), name)).to.equal(arrives);
    }),
}));

const naming = (name: string, given: Given, send: string, arrives: string): Case => ({
  name,
  run: (plane) =>
    onStage(plane, given, async (stage) => {
      expect(field(await stage.ask(send), 'location')).to.equal(arrives);
    }),
});
const LOCATION = fromNew('Location', `http://${NEW_HOST}/x`);

const otherwise: readonly Case[] = [
  naming(
    'the client’s scheme, where a trusted peer tells it',
    { new: LOCATION, global: { trusted_proxies: ['127.0.0.0/8'] } },
    askedAt('X-Forwarded-Proto: https'),
    `https://${HOST}:8000/x`,
  ),
  naming(
    'an untrusted peer cannot tell a scheme',
    { new: LOCATION },
    askedAt('X-Forwarded-Proto: https'),
    `http://${HOST}:8000/x`,
  ),
  naming(
    'old may name new',
    { old: LOCATION, service: { migration: { percentage: 0 } } },
    askedAt(),
    `http://${NEW_HOST}/x`,
  ),
  naming(
    'old may name new, and a Refresh beside it is another name',
    {
      old: scripted(302, '', `Refresh: 5; url=http://${HOST}/y`, `Location: http://${NEW_HOST}/x`),
      service: { migration: { percentage: 0 } },
    },
    askedAt(),
    `http://${NEW_HOST}/x`,
  ),
  naming(
    'the client’s host as it was written',
    { new: LOCATION },
    head('GET / HTTP/1.1', 'Host: SHOP.example'),
    'http://SHOP.example/x',
  ),
];

export const renaming: Theme = { name: 'renaming', cases: [...renamed, ...otherwise] };
