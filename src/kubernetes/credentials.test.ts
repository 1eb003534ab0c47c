import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../test/support/temp-dir.ts';
import { loadCredentials } from './credentials.ts';

describe('the credentials for an API server', () => {
  it('a kubeconfig with a mistake is named with the place of it, and no line of it is shown: tokens stand there', () => {
    const kubeconfig = join(tempDir(), 'config');
    writeFileSync(kubeconfig, 'users:\n- name: ann\n  user:\n    token: not-for-the-log\n   oops: 1\n');
    expect(() => loadCredentials({ kubeconfig, env: {} }))
      .to.throw(`kubeconfig ${kubeconfig} cannot be used: bad indentation of a mapping entry (5:4)`)
      .with.property('message')
      .that.does.not.contain('not-for-the-log');
  });
});
