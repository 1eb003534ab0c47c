/**
 * Who the client is, and what rules on addresses make of it: the socket's peer, which is 127.0.0.1 for every case here, or
 * what a trusted peer says in X-Forwarded-For.
 */
import type { ServiceText } from '../configuration.ts';
import { type Group, groupCases } from '../decision-rows.ts';
import type { Theme } from '../theme.ts';

const NO = 'old weight';
const YES = 'new ip';

/** Clients within the CIDR go to new. */
const within = (...cidrs: readonly string[]): ServiceText => ({
  migration: { percentage: 0 },
  canary: { ip_rules: cidrs.map((cidr) => ({ cidr, target: 'new_cluster' })) },
});
const trusting = (...trusted_proxies: readonly string[]): ServiceText => ({ trusted_proxies });
const from = (...entries: readonly string[]): string[] => entries.map((entry) => `X-Forwarded-For: ${entry}`);

const LOOPBACK = trusting('127.0.0.0/8');

const GROUPS: readonly Group[] = [
  {
    name: 'the peer',
    service: within('127.0.0.0/8'),
    rows: [
      ['is within', [], YES],
      ['counts, whatever an untrusted one says', from('10.1.2.3'), YES],
      [
        'other headers are not asked',
        ['X-Real-IP: 10.1.2.3', 'Forwarded: for=10.1.2.3', 'True-Client-IP: 10.1.2.3'],
        YES,
      ],
    ],
  },
  {
    name: 'an untrusted peer cannot become somebody else',
    service: within('10.0.0.0/8'),
    rows: [['X-Forwarded-For', from('10.1.2.3'), NO]],
  },
  {
    name: 'another peer is trusted',
    service: within('10.0.0.0/8'),
    global: trusting('192.0.2.0/24'),
    rows: [['X-Forwarded-For', from('10.1.2.3'), NO]],
  },
  {
    name: 'IPv4',
    service: within('10.20.0.0/15', '192.0.2.7/32', '198.51.100.128/25'),
    global: LOOPBACK,
    rows: [
      ['the first address', from('10.20.0.0'), YES],
      ['the last address', from('10.21.255.255'), YES],
      ['one below', from('10.19.255.255'), NO],
      ['one above', from('10.22.0.0'), NO],
      ['a single address', from('192.0.2.7'), YES],
      ['its neighbour', from('192.0.2.6'), NO],
      ['half of a /24', from('198.51.100.128'), YES],
      ['the other half', from('198.51.100.127'), NO],
      ['mapped into IPv6', from('::ffff:10.20.1.2'), YES],
      ['mapped into IPv6, in hex', from('::ffff:a14:102'), YES],
      ['embedded in IPv6 otherwise', from('64:ff9b::10.20.1.2'), NO],
    ],
  },
  {
    name: 'IPv6',
    service: within('2001:db8::/33', '::1/128'),
    global: LOOPBACK,
    rows: [
      ['within', from('2001:db8:7fff:ffff::1'), YES],
      ['in capitals and long', from('2001:0DB8:0000:0000:0000:0000:0000:0001'), YES],
      ['one above', from('2001:db8:8000::'), NO],
      ['loopback', from('::1'), YES],
      ['IPv4 is not in it', from('10.0.0.1'), NO],
    ],
  },
  {
    name: 'a CIDR of mapped addresses is one of IPv4',
    service: within('::ffff:10.0.0.0/104'),
    global: LOOPBACK,
    rows: [
      ['IPv4', from('10.255.0.1'), YES],
      ['mapped', from('::ffff:10.255.0.1'), YES],
      ['other IPv4', from('11.0.0.1'), NO],
    ],
  },
  {
    name: 'everybody',
    service: within('0.0.0.0/0'),
    global: LOOPBACK,
    rows: [
      ['IPv4', from('203.0.113.9'), YES],
      ['IPv6 is not everybody of IPv4', from('2001:db8::1'), NO],
    ],
  },
  {
    name: 'the first rule in the list, not the narrowest',
    service: {
      migration: { percentage: 0 },
      canary: {
        ip_rules: [
          { cidr: '10.0.0.0/8', target: 'old_cluster' },
          { cidr: '10.1.0.0/16', target: 'new_cluster' },
          { cidr: '192.0.2.0/24', target: 'new_cluster' },
        ],
      },
    },
    global: LOOPBACK,
    rows: [
      ['in both', from('10.1.2.3'), 'old ip'],
      ['in the last', from('192.0.2.1'), YES],
      ['in none', from('203.0.113.9'), NO],
    ],
  },
  {
    name: 'X-Forwarded-For of a trusted peer',
    service: within('10.0.0.0/8'),
    global: trusting('127.0.0.0/8', '192.0.2.0/24', '2001:db8::/32'),
    rows: [
      ['one entry', from('10.1.2.3'), YES],
      ['the last that is not trusted', from('203.0.113.9, 10.1.2.3'), YES],
      ['a client cannot put itself before it', from('10.1.2.3, 203.0.113.9'), NO],
      ['trusted ones are skipped', from('203.0.113.9, 10.1.2.3, 192.0.2.4, 2001:db8::4'), YES],
      ['all trusted: the leftmost', from('192.0.2.1, 192.0.2.2'), NO],
      ['several lines are one list', from('10.1.2.3', '192.0.2.4'), YES],
      ['several lines, in their order', from('10.1.2.3', '203.0.113.9'), NO],
      ['a port is dropped', from('10.1.2.3:4711'), YES],
      ['a port behind brackets is dropped', from('10.1.2.3, [2001:db8::4]:4711'), YES],
      ['no white space', from('203.0.113.9,10.1.2.3'), YES],
      ['empty entries are passed over', from('10.1.2.3, , '), YES],
      ['an entry that is no address ends the walk at the last good one', from('10.1.2.3, unknown, 192.0.2.4'), NO],
      ['an entry that is no address, first', from('unknown, 10.1.2.3'), YES],
      ['an address with a leading zero is none', from('010.1.2.3'), NO],
      ['nothing in it: the peer', from(''), NO],
      ['absent: the peer', [], NO],
    ],
  },
  {
    name: 'all trusted: the leftmost',
    service: within('192.0.2.1/32'),
    global: trusting('127.0.0.0/8', '192.0.2.0/24'),
    rows: [['two entries', from('192.0.2.1, 192.0.2.2'), YES]],
  },
  {
    name: 'the walk ends at a bad entry, with the last good one',
    service: within('192.0.2.4/32'),
    global: trusting('127.0.0.0/8', '192.0.2.0/24'),
    rows: [
      ['a word', from('10.1.2.3, unknown, 192.0.2.4'), YES],
      ['a broken address', from('10.1.2.3, 1.2.3, 192.0.2.4'), YES],
    ],
  },
];

export const clients: Theme = { name: 'clients', cases: groupCases(GROUPS) };
