import { expect } from 'chai';
import { replicaAddress } from './replica-address.ts';

describe('where other replicas reach the admin server', () => {
  it('is the address of the pod where it listens everywhere', () => {
    for (const host of ['::', '0.0.0.0']) {
      expect(replicaAddress({ host, port: 8080 }, '10.1.2.3')).to.equal('http://10.1.2.3:8080');
      expect(replicaAddress({ host, port: 8080 }, 'fd00::1')).to.equal('http://[fd00::1]:8080');
      expect(replicaAddress({ host, port: 8080 }, undefined), 'nobody knows which').to.equal(null);
      expect(replicaAddress({ host, port: 8080 }, ''), 'nobody knows which').to.equal(null);
    }
  });

  it('is where it listens outside a pod, and nowhere in a pod that listens on loopback alone', () => {
    expect(replicaAddress({ host: '127.0.0.1', port: 1 }, undefined)).to.equal('http://127.0.0.1:1');
    expect(replicaAddress({ host: '::1', port: 1 }, undefined)).to.equal('http://[::1]:1');
    expect(replicaAddress({ host: '127.0.0.1', port: 1 }, '10.1.2.3')).to.equal(null);
    expect(replicaAddress({ host: '10.1.2.3', port: 1 }, '10.1.2.3')).to.equal('http://10.1.2.3:1');
  });
});
