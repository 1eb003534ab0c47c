import { expect } from 'chai';
import { isReplicaAddress, replicaTarget } from './replica-path.ts';

const at = (rest: string) => replicaTarget(`/api/v1/replicas/pod-b/${rest}`);

describe('the path of another replica', () => {
  it('is what stands behind its name, with the query as it was sent', () => {
    expect(at('status')).to.deep.equal({ name: 'pod-b', target: '/status' });
    expect(at('api/v1/services/shop/explain?user=a%2Fb&ip=..')).to.deep.equal({
      name: 'pod-b',
      target: '/api/v1/services/shop/explain?user=a%2Fb&ip=..',
    });
    expect(at('')).to.deep.equal({ name: 'pod-b', target: '/' });
    expect(at('?x')).to.deep.equal({ name: 'pod-b', target: '/?x' });
    expect(at('api/v1/replicas')).to.deep.equal({ name: 'pod-b', target: '/api/v1/replicas' });
    expect(at('//evil/x'.slice(2))).to.deep.equal({ name: 'pod-b', target: '/evil/x' });
  });

  it('has the name that was meant, host and port too', () => {
    expect(replicaTarget('/api/v1/replicas/node-1%3A8000/livez')).to.deep.include({ name: 'node-1:8000' });
    expect(replicaTarget('/api/v1/replicas/node-1:8000/livez')).to.deep.include({ name: 'node-1:8000' });
  });

  it('goes no further when another reader could take it for another path', () => {
    for (const rest of [
      '..',
      '../x',
      'a/../b',
      'a/%2e%2E/b',
      'a/.',
      '%2e',
      'a//b',
      '/evil',
      'a%2fb',
      'a%5Cb',
      'a\\b',
      'a%00',
    ]) {
      expect(at(rest), rest).to.have.property('problem').that.includes('segment');
    }
    expect(at('%zz')).to.have.property('problem');
    expect(at('%ff')).to.have.property('problem');
  });

  it('asks no replica to ask another one', () => {
    for (const rest of ['api/v1/replicas/c/status', 'api/v1/replicas/', 'api/v1/%72eplicas/c/status']) {
      expect(at(rest), rest).to.have.property('problem').that.includes('through another replica');
    }
  });
});

describe('the address of a replica', () => {
  it('is an IP address and a port over http, and nothing else', () => {
    for (const address of ['http://10.1.2.3:8080', 'http://[fd00::1]:8080', 'http://127.0.0.1:1']) {
      expect(isReplicaAddress(address), address).to.equal(true);
    }
    for (const address of [
      'http://evil.example:80',
      'http://10.1.2.3',
      'http://10.1.2.3:0',
      'http://10.1.2.3:99999',
      'http://10.1.2.300:80',
      'http://10.1.2.3:80/x',
      'http://u@10.1.2.3:80',
      'https://10.1.2.3:80',
      'http://10.1.2.3:80#',
      'http://[::1%25lo]:80',
      'http://169.254.169.254:80',
      'http://[::ffff:169.254.169.254]:80',
      'http://[fe80::1]:80',
      'http://0.0.0.0:80',
      '',
    ]) {
      expect(isReplicaAddress(address), address).to.equal(false);
    }
  });
});
