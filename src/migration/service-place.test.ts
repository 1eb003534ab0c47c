import { expect } from 'chai';
import { readSource } from './parse.ts';
import { servicePlace } from './service-place.ts';

describe('the place of a service', () => {
  const text = `services:
  - { name: a, old_host: a.test, old_backend: "a:1" }
  - name: b
    old_host: b.test
    old_backend: "b:1"
    path_prefix: /b
  - { name: a, old_host: c.test, old_backend: "c:1" }
`;
  const read = readSource({ file: 'm.yaml', text, kind: 'file' });

  it('is where the text lists it, or the key that is to blame', () => {
    expect(servicePlace(read, 'b', null)).to.deep.equal({ line: 3, column: 5, path: 'services[1]' });
    expect(servicePlace(read, 'b', 'path_prefix')).to.deep.equal({
      line: 6,
      column: 18,
      path: 'services[1].path_prefix',
    });
  });

  it('has the path of a key whose line was not kept', () => {
    expect(servicePlace(read, 'b', 'migration.hash')).to.deep.equal({
      line: 3,
      column: 5,
      path: 'services[1].migration.hash',
    });
  });

  it('is that of the first of two with one name; a service that the text does not list has none', () => {
    expect(servicePlace(read, 'a', null)?.path).to.equal('services[0]');
    expect(servicePlace(read, 'c', null)).to.equal(null);
  });
});
