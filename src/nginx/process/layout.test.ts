import { expect } from 'chai';
import { inScratch, unfitDirectory } from './layout.ts';

describe("nginx's directory by name", () => {
  it('holds nothing that nginx, a socket or a shell reads in another way', () => {
    for (const fit of ['/dev/shm/migration-proxy-0/8000', '/a', `/${'x'.repeat(80)}`]) {
      expect(unfitDirectory(fit), fit).to.equal(null);
    }
    for (const unfit of ['relative/path', '/a b', '/a;b', '/a$b', '/a/', '/a//b', '/a/../b', '/ä', '/a\n', '/']) {
      expect(unfitDirectory(unfit), unfit).to.be.a('string').and.to.contain('for example /');
    }
    expect(unfitDirectory(`/${'x'.repeat(90)}`)).to.contain('at most 82 characters');
  });

  it('is replaced in a text wherever a path begins with it, and nowhere else', () => {
    const text = 'pid /d.d/run/p; listen unix:/d.d/run/s; "/d.d/x" /d.d/scratchy /dxd/y /d.dd/z /e/d.d/q /d.d;';
    expect(inScratch(text, '/d.d')).to.equal(
      'pid /d.d/scratch/run/p; listen unix:/d.d/scratch/run/s; "/d.d/scratch/x" /d.d/scratch/scratchy /dxd/y /d.dd/z /e/d.d/q /d.d;',
    );
  });
});
