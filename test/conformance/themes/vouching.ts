/**
 * What a backend is told of the client: Host, X-Forwarded-*, X-Request-ID, Via. An untrusted client says nothing of itself in them;
 * a trusted peer is extended.
 */
import { HOST } from '../configuration.ts';
import { GET, gone, headCases, NEW, type Row, SHOP } from '../head-rows.ts';
import { INSTANCE } from '../plane-under-test.ts';
import type { Given } from '../stage.ts';
import type { Theme } from '../theme.ts';

const TO_OLD: Given = { service: { migration: { percentage: 0 } } };
const TRUSTED: Given = { global: { trusted_proxies: ['127.0.0.0/8'] } };

const ROWS: readonly Row[] = [
  {
    name: 'old gets the Host that the client used',
    ...TO_OLD,
    send: [GET, 'Host: Shop.EXAMPLE'],
    backend: [GET, 'Host: Shop.EXAMPLE'],
    ours: { 'X-Forwarded-Host': 'Shop.EXAMPLE' },
  },
  {
    name: 'old gets the port too',
    ...TO_OLD,
    send: [GET, `${SHOP}:8443`],
    backend: [GET, `${SHOP}:8443`],
    ours: { 'X-Forwarded-Host': `${HOST}:8443`, 'X-Forwarded-Port': '8443' },
  },
  {
    name: 'new gets its own Host',
    send: [GET, `${SHOP}:8443`],
    backend: [GET, NEW],
    ours: { 'X-Forwarded-Host': `${HOST}:8443`, 'X-Forwarded-Port': '8443' },
  },
  { name: 'Host may come last', send: [GET, 'X-A: 1', `hOST: ${HOST}`], backend: [GET, 'X-A: 1', NEW] },
  {
    name: 'absolute form: its authority counts, not Host',
    ...TO_OLD,
    send: [`GET HTTP://Shop.Example:81/x HTTP/1.1`, 'Host: other.example'],
    backend: ['GET /x HTTP/1.1', 'Host: Shop.Example:81'],
    ours: { 'X-Forwarded-Host': 'Shop.Example:81', 'X-Forwarded-Port': '81' },
  },
  gone('what an untrusted client says of itself', [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Port: 1',
    'X-Request-ID: mine',
    'x-forwarded-for: 7.7.7.7',
  ]),
  {
    name: 'another proxy in Via',
    send: [GET, SHOP, 'Via: 1.0 fred, 1.1 p.example'],
    backend: [GET, NEW, 'Via: 1.0 fred, 1.1 p.example'],
  },
  {
    name: 'a name in Via that only begins as ours',
    send: [GET, SHOP, `Via: 1.1 ${INSTANCE}-2`],
    backend: [GET, NEW, `Via: 1.1 ${INSTANCE}-2`],
  },
  {
    name: 'a trusted peer is extended',
    ...TRUSTED,
    send: [
      GET,
      SHOP,
      'X-Forwarded-For: 10.1.1.1, 10.2.2.2',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: front.example',
      'X-Forwarded-Port: 8443',
      'X-Request-ID: r-1',
    ],
    backend: [GET, NEW],
    ours: {
      'X-Forwarded-For': '10.1.1.1, 10.2.2.2, 127.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'front.example',
      'X-Forwarded-Port': '8443',
      'X-Request-ID': 'r-1',
    },
  },
  {
    name: 'a trusted peer with two X-Forwarded-For',
    ...TRUSTED,
    send: [GET, SHOP, 'X-Forwarded-For: 10.1.1.1', 'X-Forwarded-For: 10.2.2.2'],
    backend: [GET, NEW],
    ours: { 'X-Forwarded-For': '10.1.1.1, 10.2.2.2, 127.0.0.1' },
  },
  { name: 'a trusted peer that says nothing', ...TRUSTED, send: [GET, SHOP], backend: [GET, NEW] },
  {
    name: 'a trusted peer: the port follows its scheme',
    ...TRUSTED,
    send: [GET, SHOP, 'X-Forwarded-Proto: HTTPS'],
    backend: [GET, NEW],
    ours: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' },
  },
  {
    name: 'a trusted peer with a scheme that is none',
    ...TRUSTED,
    send: [GET, SHOP, 'X-Forwarded-Proto: gopher'],
    backend: [GET, NEW],
  },
  {
    name: 'a trusted peer with an id that is none',
    ...TRUSTED,
    send: [GET, SHOP, 'X-Request-ID: a b'],
    backend: [GET, NEW],
  },
];

export const vouching: Theme = { name: 'vouching', cases: headCases(ROWS) };
