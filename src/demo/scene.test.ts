import { expect } from 'chai';
import { guide, liveLine, stateWords, transitionLine } from './scene.ts';

const NOTHING = { sent: 0, old: 0, new: 0, failed: 0, lastFailure: null };

describe("the demo's words", () => {
  it('a live line has the rate and shares of its own time, and failures since the start', () => {
    const before = { ...NOTHING, sent: 100, old: 100, failed: 1 };
    const now = { ...NOTHING, sent: 120, old: 115, new: 5, failed: 1 };
    expect(liveLine(before, now, 2, 'state steady')).to.equal(
      ' 10 req/s   old  75 %   new  25 %   failed 1   state steady',
    );
    const worse = { ...now, failed: 2, lastFailure: 'status 502' };
    expect(liveLine(now, worse, 2, 'state steady')).to.equal(
      '  0 req/s   old   0 %   new   0 %   failed 2 (status 502)   state steady',
    );
  });

  it('commands name the admin server only where it is not the usual one', () => {
    const places = {
      traffic: 'http://127.0.0.1:8000',
      admin: 'http://127.0.0.1:9',
      switches: 'http://127.0.0.1:8090',
      file: '/f',
      log: '/l',
    };
    expect(guide({ ...places, adminFlag: '' })).to.match(/^ {2}npx migration-proxy status --watch$/m);
    expect(guide({ ...places, adminFlag: ' --admin http://127.0.0.1:9' })).to.match(
      /status --watch --admin http:\/\/127\.0\.0\.1:9$/m,
    );
  });

  it('a state says until when, and why it changed', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const steady = { state: 'steady', hold: null, retry_at: null } as const;
    expect(stateWords(null, now)).to.equal('state unknown');
    expect(stateWords(steady, now)).to.equal('state steady');
    const away = { ...steady, state: 'fallen_back', retry_at: '2026-01-01T00:00:04.200Z' } as const;
    expect(stateWords(away, now)).to.equal('state fallen_back, tries new again in 5 s');
    expect(stateWords(away, now + 60_000)).to.equal('state fallen_back, tries new again when its check passes');
    expect(stateWords({ ...away, hold: { by: 'a', at: '', reason: '' } }, now)).to.equal(
      'state fallen_back, held until resume',
    );
    expect(transitionLine({ state: 'probing', state_reason: 'probing: the check passes' })).to.equal(
      'state probing: the check passes',
    );
    expect(transitionLine({ state: 'steady', state_reason: null })).to.equal('state steady');
  });
});
