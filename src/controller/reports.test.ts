import { expect } from 'chai';
import { sampleFallback, sampleMigration } from '../../test/support/status-samples.ts';
import type { ConfigError } from '../migration/errors.ts';
import { ErrorLog } from './error-log.ts';
import { ForwarderWarnings } from './forwarder-warnings.ts';
import type { Log } from './log.ts';
import { logBothFailing, logTransition } from './transition-log.ts';

class Lines implements Log {
  readonly lines: string[] = [];
  debug = (_: object, message: string) => void this.lines.push(`debug ${message}`);
  info = (_: object, message: string) => void this.lines.push(`info ${message}`);
  warn = (_: object, message: string) => void this.lines.push(`warn ${message}`);
  error = (_: object, message: string) => void this.lines.push(`error ${message}`);
}

const wrong = (changes: Partial<ConfigError> = {}): ConfigError => ({
  code: 'bad_value',
  service: 'a',
  file: 'm.yaml',
  line: 3,
  column: 9,
  path: 'services[0].x',
  message: 'is wrong',
  ...changes,
});

describe('ErrorLog', () => {
  it('tells each error once, wherever it moves, and when it is gone', () => {
    const log = new Lines();
    const errors = new ErrorLog(log);
    errors.report([wrong()]);
    errors.report([wrong()]);
    errors.report([wrong({ line: 4 })]);
    expect(log.lines).to.deep.equal(['warn m.yaml:3:9: services[0].x: is wrong']);
    errors.report([wrong({ message: 'is wrong in another way' }), wrong({ path: '', service: null })]);
    expect(log.lines.slice(1)).to.deep.equal([
      'warn m.yaml:3:9: services[0].x: is wrong in another way',
      'warn m.yaml:3:9: is wrong',
      'info no longer in error: m.yaml:4:9: services[0].x',
    ]);
  });
});

describe('ForwarderWarnings', () => {
  const serving = (trustedProxies: readonly string[]) => [
    { migration: sampleMigration({ name: 'a', trustedProxies }), standing: 'valid' as const },
  ];

  it('name the CIDR to trust, each once, until it is trusted or the service is gone', () => {
    const warnings = new ForwarderWarnings();
    expect(warnings.add('a', '10.1.2.3')).to.include('add "10.1.2.3/32"');
    expect(warnings.add('a', '10.1.2.3')).to.equal(null);
    expect(warnings.add('b', 'fd00::1')).to.include('add "fd00::1/128"');
    expect(warnings.list().map(({ service }) => service)).to.deep.equal(['a', 'b']);
    warnings.apply(serving([]));
    expect(warnings.list().map(({ service }) => service)).to.deep.equal(['a']);
    warnings.apply(serving(['10.0.0.0/8']));
    expect(warnings.list()).to.deep.equal([]);
  });

  it('do not grow with what clients send', () => {
    const warnings = new ForwarderWarnings();
    for (let i = 0; i < 1_000; i++) warnings.add('a', `10.0.${i >> 8}.${i & 255}`);
    expect(warnings.list()).to.have.length(100);
  });
});

describe('steps of a fallback in the log', () => {
  it('warn when traffic leaves new, and tell how it comes back', () => {
    const log = new Lines();
    const reason = '5 failures in a row in 2.1 s: connect refused';
    logTransition(log, 'a', 'steady', 'fallen_back', sampleFallback({ reason }));
    logTransition(log, 'a', 'fallen_back', 'probing', sampleFallback({ probeShare: 0 }));
    logTransition(log, 'a', 'probing', 'probing', sampleFallback({ probeShare: 25 }));
    logTransition(log, 'a', 'probing', 'steady', sampleFallback());
    const hold = { by: 'ann', atMs: 0, reason: 'checkout fails' };
    logTransition(log, 'a', 'steady', 'fallen_back', sampleFallback({ hold }));
    logBothFailing(log, 'a', sampleFallback({ bothFailing: true }));
    logBothFailing(log, 'a', sampleFallback());
    expect(log.lines).to.deep.equal([
      'warn a: falls back to old: 5 failures in a row in 2.1 s: connect refused',
      'info a: tries new again with one request at a time',
      'info a: tries new again with 25 % of its share',
      'info a: steady',
      'warn a: held on old by ann: checkout fails',
      'error a: old and new both fail; there is nowhere to fall back to',
      'info a: no longer failing on both clusters',
    ]);
  });
});
