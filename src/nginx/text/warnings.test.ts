import { expect } from 'chai';
import { sampleSettings } from '../../../test/support/nginx-settings.ts';
import { warningsOf } from './warnings.ts';

const NO_TLS = { locations: 0, trustingDefault: 0 };
const looking = sampleSettings({ caDirectory: '/tls/ca.certs' });

describe('warnings of a text', () => {
  it('name the variables that every request pays for', () => {
    expect(warningsOf({ variables: 300, tls: NO_TLS }, looking)).to.deep.equal([]);
    expect(warningsOf({ variables: 301, tls: NO_TLS }, looking)).to.have.length(1);
  });

  it('name the seconds that an edit takes with thousands of TLS names, and the nginx that needs fewer', () => {
    const many = { variables: 80, tls: { locations: 25_000, trustingDefault: 25_000 } };
    const [warning, ...others] = warningsOf(many, looking);
    expect(others).to.deep.equal([]);
    expect(warning).to.contain('nginx 1.22.1 makes a TLS context for each of the 25000 locations');
    expect(warning).to.contain('11 s').and.to.contain('use nginx 1.23.1 or newer');
    expect(warningsOf({ variables: 80, tls: { locations: 5_000, trustingDefault: 5_000 } }, looking)).to.deep.equal([]);
    const newer = { ...looking, version: { major: 1, minor: 23, patch: 1 } };
    expect(warningsOf(many, newer)).to.deep.equal([]);
  });

  it('know that an nginx without a directory of CAs reads all of them each time', () => {
    const few = { locations: 500, trustingDefault: 400 };
    expect(warningsOf({ variables: 80, tls: few }, looking)).to.deep.equal([]);
    expect(warningsOf({ variables: 80, tls: few }, sampleSettings())[0]).to.contain('8 s');
    expect(warningsOf({ variables: 80, tls: { ...few, trustingDefault: 0 } }, sampleSettings())).to.deep.equal([]);
  });
});
