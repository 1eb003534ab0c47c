import { expect } from 'chai';
import {
  adminUrl,
  configMapName,
  cookiePair,
  durationMs,
  givenOnce,
  headerLine,
  instanceName,
  labelSelector,
  listenAddress,
  namespaceName,
  percentage,
  wholeNumber,
} from './arguments.ts';

describe('the grammar of flags', () => {
  const refuses = (parse: (text: string) => unknown, texts: readonly string[], example: RegExp) => {
    for (const text of texts) expect(() => parse(text), JSON.stringify(text)).to.throw(example);
  };

  it('takes labels as the API server reads them, and nothing that it would refuse', () => {
    const good = ['a', '!a', 'a=b', 'a==b', 'a!=b', 'a=', 'x.io/a-b_c.d=v', 'a in (b,c)', 'a notin ( b )', 'a=b,!c, d'];
    for (const text of good) expect(labelSelector(text)).to.equal(text);
    const bad = ['', ',', 'a=b,', 'a=b c', 'a===b', '-a', 'a in b', 'a in ()x', '/a', 'a/b/c', 'a=b&limit=1', 'é=1'];
    refuses(labelSelector, [...bad, `a=${'x'.repeat(64)}`], /migration-proxy\/config=true/);
    expect(namespaceName('shop-1')).to.equal('shop-1');
    refuses(namespaceName, ['', 'Shop', 'a.b', 'a/b', '-a', 'a'.repeat(64)], /name of a namespace/);
  });

  it('takes one ConfigMap, once', () => {
    const parse = givenOnce(configMapName);
    const first = parse('shop/m', undefined);
    expect(first).to.deep.equal({ namespace: 'shop', name: 'm' });
    expect(() => parse('shop/other', first)).to.throw(/twice; several ConfigMaps are followed with --selector/);
    refuses(configMapName, ['', 'm', '/m', 'shop/', 'a/b/c', 'Shop/m', 'shop/M'], /NAMESPACE\/NAME/);
  });

  it('takes listen addresses of every form, and nothing else', () => {
    expect(listenAddress(':8000')).to.deep.equal({ host: null, port: 8000 });
    expect(listenAddress('8000')).to.deep.equal({ host: null, port: 8000 });
    expect(listenAddress('127.0.0.1:0')).to.deep.equal({ host: '127.0.0.1', port: 0 });
    expect(listenAddress('[::1]:80')).to.deep.equal({ host: '::1', port: 80 });
    expect(listenAddress('localhost:65535')).to.deep.equal({ host: 'localhost', port: 65_535 });
    refuses(
      listenAddress,
      ['', ':', 'localhost', '::1:80', ':65536', ':-1', ':1e3', 'a b:1', 'http://x:1'],
      /HOST:PORT/,
    );
  });

  it('takes percentages with at most two decimals', () => {
    expect(['0', '100', '12.5', '0.07', '20%', '100.00'].map(percentage)).to.deep.equal([0, 100, 12.5, 0.07, 20, 100]);
    refuses(percentage, ['', '-1', '100.01', '101', '1.234', '1e1', 'NaN', 'Infinity', '0x10', ' 5', '.5'], /0 to 100/);
  });

  it('takes durations in the words of the configuration', () => {
    expect(['30', '30s', '1m30s', '500ms', '1h', '0', '0.25'].map(durationMs)).to.deep.equal([
      30_000, 30_000, 90_000, 500, 3_600_000, 0, 250,
    ]);
    refuses(durationMs, ['', 's', '1d', '-1s', '1s ', '1.5m', '1e3'], /a duration/);
  });

  it('takes whole numbers in their range and names of instances', () => {
    expect(wholeNumber(1, 10)('10')).to.equal(10);
    refuses(wholeNumber(1, 10), ['0', '11', '1.5', '-1', '', '1e1'], /from 1 to 10/);
    expect(instanceName('migration-proxy')).to.equal('migration-proxy');
    refuses(instanceName, ['', 'A', '-a', 'a b', 'a,b', 'a'.repeat(41)], /lower-case/);
  });

  it('splits headers at the first colon and cookies at the first equals sign', () => {
    expect(headerLine('X-A:  b: c ', [{ name: 'x', value: 'y' }])).to.deep.equal([
      { name: 'x', value: 'y' },
      { name: 'X-A', value: 'b: c' },
    ]);
    expect(cookiePair('n=v=w')).to.deep.equal([{ name: 'n', value: 'v=w' }]);
    refuses(headerLine, ['X-A', ': v', 'a b: c'], /"Name: value"/);
    refuses(cookiePair, ['n', '=v'], /"name=value"/);
  });

  it('takes addresses of admin servers without credentials', () => {
    expect(adminUrl('localhost:8080').href).to.equal('http://localhost:8080/');
    expect(adminUrl('https://proxy.example/admin').href).to.equal('https://proxy.example/admin');
    refuses(adminUrl, ['', 'http://', 'http://u:p@h/', 'ftp://h', 'http://h:99999', 'http://h/?a'], /a URL/);
  });
});
