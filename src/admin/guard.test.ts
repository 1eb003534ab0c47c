import { expect } from 'chai';
import { type GuardPolicy, isLoopback, refusalOf } from './guard.ts';

const open: GuardPolicy = { token: null, boundAddress: '127.0.0.1', withoutToken: 'loopback' };
const guarded: GuardPolicy = { token: 'correct-horse', boundAddress: '0.0.0.0', withoutToken: 'loopback' };

type Headers = Record<string, string | string[]>;

function verdict(policy: GuardPolicy, headers: Headers, peerAddress = '127.0.0.1'): number | 'yes' {
  const lines = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()]));
  return refusalOf(policy, { peerAddress, headers: lines })?.status ?? 'yes';
}

describe('who may write, with a token', () => {
  it('is who shows it, whatever the case of the scheme', () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR ']) {
      expect(verdict(guarded, { authorization: `${scheme} correct-horse` }, '10.0.0.9')).to.equal('yes');
    }
  });

  it('is nobody else: no token, a wrong one, a part of it, more than it, another scheme, two lines', () => {
    expect(verdict(guarded, {})).to.equal(401);
    const wrong = [
      '',
      'Bearer',
      'Bearer ',
      'correct-horse',
      'Basic correct-horse',
      'Bearer correct',
      'Bearer Correct-Horse',
    ];
    for (const authorization of [...wrong, 'Bearer correct-horse-', 'Bearer correct-horse x', 'Bearercorrect-horse']) {
      expect(verdict(guarded, { authorization }), authorization).to.equal(401);
    }
    const twice = ['Bearer correct-horse', 'Bearer correct-horse'];
    expect(verdict(guarded, { authorization: twice })).to.equal(401);
  });

  it('holds on loopback too, and tells who shows none what to send', () => {
    expect(verdict({ ...guarded, boundAddress: '127.0.0.1' }, { host: 'localhost' })).to.equal(401);
    expect(refusalOf(guarded, { peerAddress: '127.0.0.1', headers: {} })?.detail).to.include('Authorization: Bearer');
  });

  it('compares bytes, so that a token may hold any letters', () => {
    const policy = { ...guarded, token: 'grün' };
    expect(verdict(policy, { authorization: `Bearer ${Buffer.from('grün').toString('latin1')}` })).to.equal('yes');
    expect(verdict(policy, { authorization: 'Bearer gr\xfcn' })).to.equal(401);
  });
});

describe('who may write, without a token', () => {
  it('is a person at this machine', () => {
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '127.9.9.9', '[::1]:8080', '[::1]']) {
      expect(verdict(open, { host }), host).to.equal('yes');
    }
    expect(verdict(open, { host: 'localhost:8080' }, '::ffff:127.0.0.1')).to.equal('yes');
    expect(verdict({ ...open, boundAddress: '::1' }, { host: '[::1]' }, '::1')).to.equal('yes');
  });

  it('is nobody where other machines can connect, and nobody from another machine', () => {
    for (const boundAddress of ['0.0.0.0', '::', '10.0.0.1', '::ffff:0.0.0.0', '']) {
      expect(verdict({ ...open, boundAddress }, { host: 'localhost' }), boundAddress).to.equal(403);
    }
    for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '']) {
      expect(verdict(open, { host: 'localhost' }, peer), peer).to.equal(403);
    }
  });

  it('is nobody in Kubernetes', () => {
    expect(verdict({ ...open, withoutToken: 'refuse' }, { host: 'localhost' })).to.equal(403);
  });

  it('is no page whose name was rebound to this machine', () => {
    const strange = [
      'evil.example',
      'localhost.evil',
      'evil.localhost',
      '127.0.0.1.evil',
      '127.0.0.1@evil',
      '128.0.0.1',
    ];
    for (const host of [
      ...strange,
      '127.0.0.999',
      '127.1',
      '0.0.0.0',
      '[::]',
      '[::1',
      '::1',
      'localhost:',
      'localhost:x',
      '',
    ]) {
      expect(verdict(open, { host }), host).to.equal(403);
    }
    expect(verdict(open, {})).to.equal(403);
    expect(verdict(open, { host: ['localhost', 'localhost'] })).to.equal(403);
  });

  it('is a page of our own, and no other', () => {
    const host = 'localhost:8080';
    expect(verdict(open, { host, origin: 'http://localhost:8080' })).to.equal('yes');
    expect(verdict(open, { host: 'localhost:80', origin: 'http://localhost' })).to.equal('yes');
    const strange = [
      'null',
      '',
      'http://localhost.evil',
      'http://localhost:8080.evil',
      'http://evil.example',
      'localhost:8080',
    ];
    for (const origin of [
      ...strange,
      'http://localhost',
      'http://localhost:3000',
      'https://localhost:8080',
      'http://127.0.0.1:8080',
    ]) {
      expect(verdict(open, { host, origin }), origin).to.equal(403);
    }
    expect(verdict(open, { host, origin: ['http://localhost:8080', 'http://evil.example'] })).to.equal(403);
  });

  it('is no request that a browser calls foreign', () => {
    const host = 'localhost:8080';
    for (const site of ['cross-site', 'same-site', '']) {
      expect(verdict(open, { host, 'sec-fetch-site': site }), site).to.equal(403);
    }
    for (const site of ['same-origin', 'none']) expect(verdict(open, { host, 'sec-fetch-site': site })).to.equal('yes');
  });

  it('is no request that came through a proxy', () => {
    for (const name of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-anything', 'via']) {
      expect(verdict(open, { host: 'localhost', [name]: 'x' }), name).to.equal(403);
    }
  });

  it('needs no token and is not helped by one', () => {
    expect(verdict(open, { host: 'evil.example', authorization: 'Bearer x' })).to.equal(403);
  });
});

describe('a loopback address', () => {
  it('is one of 127.0.0.0/8 or ::1', () => {
    for (const address of ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1']) {
      expect(isLoopback(address), address).to.equal(true);
    }
    for (const address of ['localhost', '127.0.0.256', '127.0.0', '1127.0.0.1', '::', '::2', '::ffff:7f00:1', '']) {
      expect(isLoopback(address), address).to.equal(false);
    }
  });
});
