import { expect } from 'chai';
import { guide, liveLine } from './scene.ts';

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
});
