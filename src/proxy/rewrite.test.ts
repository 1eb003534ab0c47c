import { expect } from 'chai';
import { type Renaming, rewriteRefresh, rewriteSetCookie, rewriteUrl } from './rewrite.ts';

const names: Renaming = {
  newHost: 'new.example',
  newProtocol: 'https',
  clientAuthority: 'shop.example:8000',
  clientHost: 'shop.example',
  clientScheme: 'http',
};

describe('proxy/rewrite', () => {
  const urls: [string, string | null][] = [
    ['https://new.example/a?b#c', 'http://shop.example:8000/a?b#c'],
    ['https://NEW.Example:443/a', 'http://shop.example:8000/a'],
    ['HTTPS://new.example', 'http://shop.example:8000'],
    ['https://new.example?x', 'http://shop.example:8000?x'],
    ['http://new.example/a', 'http://shop.example:8000/a'],
    ['//new.example:8443/a', '//shop.example:8000/a'],
    ['/a/b', null],
    ['a', null],
    ['', null],
    ['https://new.example.evil.com/', null],
    ['https://evil-new.example/', null],
    ['https://new.example@evil.com/', null],
    ['https://user@new.example/', null],
    ['https://new.example:80a/', null],
    ['ftp://new.example/', null],
    ['mailto:a@new.example', null],
    ['https:/new.example/', null],
    ['https://other.example/?to=https://new.example/', null],
    ['https://new.example\\@evil.com', 'http://shop.example:8000\\@evil.com'],
  ];
  for (const [value, expected] of urls) {
    it(`Location ${JSON.stringify(value)} becomes ${JSON.stringify(expected)}`, () => {
      expect(rewriteUrl(value, names)).to.equal(expected);
    });
  }

  it('keeps a scheme that is not new_protocol', () => {
    expect(rewriteUrl('https://new.example/', { ...names, newProtocol: 'http', clientScheme: 'http' })).to.equal(
      'https://shop.example:8000/',
    );
  });

  it('knows IPv6 hosts', () => {
    expect(rewriteUrl('https://[2001:db8::1]:444/a', { ...names, newHost: '2001:db8::1' })).to.equal(
      'http://shop.example:8000/a',
    );
  });

  const refreshes: [string, string | null][] = [
    ['5; url=https://new.example/a', '5; url=http://shop.example:8000/a'],
    ['5;URL="https://new.example/a"', '5;URL="http://shop.example:8000/a"'],
    ["0, url = 'https://new.example/'", "0, url = 'http://shop.example:8000/'"],
    ['0; https://new.example/', '0; http://shop.example:8000/'],
    ['5', null],
    ['5; url=/a', null],
    ['5; url=https://new.example.evil/', null],
  ];
  for (const [value, expected] of refreshes) {
    it(`Refresh ${JSON.stringify(value)} becomes ${JSON.stringify(expected)}`, () => {
      expect(rewriteRefresh(value, names)).to.equal(expected);
    });
  }

  const cookies: [string, string | null][] = [
    ['a=b; Domain=new.example; Path=/', 'a=b; Domain=shop.example; Path=/'],
    ['a=b; domain=.NEW.example', 'a=b; domain=.shop.example'],
    ['a=b;Domain = new.example;Secure', 'a=b;Domain =shop.example;Secure'],
    ['a=b; Domain=example; Path=/', null],
    ['a=b; Domain=sub.new.example', null],
    ['a=Domain=new.example', null],
    ['a=b', null],
    ['domain=new.example; Path=/', null],
    ['a=b; Domain=new.example; Domain=.new.example', 'a=b; Domain=new.example; Domain=.shop.example'],
    ['a=b; Domain=new.example; Domain=example', null],
  ];
  for (const [value, expected] of cookies) {
    it(`Set-Cookie ${JSON.stringify(value)} becomes ${JSON.stringify(expected)}`, () => {
      expect(rewriteSetCookie(value, names)).to.equal(expected);
    });
  }
});
