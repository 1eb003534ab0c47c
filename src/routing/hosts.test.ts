import { expect } from 'chai';
import { utf8Bytes } from '../allocator/bytes.ts';
import { service } from '../allocator/sample.test.ts';
import { HostIndex } from './hosts.ts';

const on = (name: string, host: string, pathPrefix: string | null = null) =>
  service({ name, pathPrefix, old: { ...service().migration.old, host } });

const index = new HostIndex([
  on('whole', 'whole.test'),
  on('short', 'divided.test', '/api'),
  on('rest', 'divided.test'),
  on('long', 'divided.test', '/api/v2'),
  on('only', 'strict.test', '/only'),
  on('umlaut', 'strict.test', '/größe'),
]);
const find = (host: string, target: string): string => {
  const found = index.find(host, { path: () => target });
  return typeof found === 'string' ? found : found.name;
};

describe('finding the service of a request', () => {
  it('by host', () => {
    expect(find('whole.test', '/anything')).to.equal('whole');
    expect(find('other.test', '/')).to.equal('no_such_host');
    expect(find('__proto__', '/')).to.equal('no_such_host');
  });

  it('by host alone, without asking for the path', () => {
    const unasked = {
      path: (): string => {
        throw new Error('the path was asked for');
      },
    };
    expect(index.find('whole.test', unasked)).to.have.property('name', 'whole');
    expect(index.find('other.test', unasked)).to.equal('no_such_host');
  });

  const paths: readonly [string, string][] = [
    ['/api', 'short'],
    ['/api/', 'short'],
    ['/api/users', 'short'],
    ['/api?q=1', 'short'],
    ['/api/v2', 'long'],
    ['/api/v2/users?x=/api', 'long'],
    ['/api/v20', 'short'],
    ['/apis', 'rest'],
    ['/API', 'rest'],
    ['/%61pi', 'rest'],
    ['/', 'rest'],
    ['/x/api', 'rest'],
    ['*', 'rest'],
  ];
  for (const [target, name] of paths) {
    it(`by path: ${target} is ${name}`, () => {
      expect(find('divided.test', target)).to.equal(name);
    });
  }

  it('or none, where no service takes the rest of the host', () => {
    expect(find('strict.test', '/only/this')).to.equal('only');
    expect(find('strict.test', '/other')).to.equal('no_such_host');
    expect(find('strict.test', utf8Bytes('/größe/1'))).to.equal('umlaut');
  });

  const bad = [
    '/api/../admin',
    '/..',
    '/api/..',
    '/api/.',
    '/./api',
    '/api/.?x',
    '/%2e%2E/api',
    '/.%2e/api',
    '/%2e',
    '/api/%2E?',
    '//api',
    '/api//v2',
    '/api//',
    '/api%2fv2',
    '/api%2Fv2',
    '/api%5c..',
    '/api%5C',
    '/api\\v2',
  ];
  for (const target of bad) {
    it(`refuses ${target} on a divided host`, () => {
      expect(find('divided.test', target)).to.equal('bad_path');
      expect(find('whole.test', target)).to.equal('whole');
    });
  }

  const harmless = [
    '/...',
    '/api/.hidden',
    '/api/..x',
    '/a..b',
    '/api/%2ex',
    '/api/%252f',
    '/api/%2',
    '/api/%',
    '/api/%zz',
    '/api?x=//../%2f\\',
  ];
  for (const target of harmless) {
    it(`takes ${target}`, () => {
      expect(find('divided.test', target)).to.not.equal('bad_path');
    });
  }

  it('throws on two services for the same host and prefix', () => {
    expect(() => new HostIndex([on('a', 'x.test'), on('b', 'x.test')])).to.throw('x.test');
    expect(() => new HostIndex([on('a', 'x.test', '/p'), on('b', 'x.test', '/p')])).to.throw('x.test/p');
  });
});
