import { expect } from 'chai';
import { sampleSettings } from '../../test/support/nginx-settings.ts';
import { renderNow } from './renderer.ts';
import { OPTIONAL_MODULES } from './text/settings.ts';

describe('an nginx without modules that texts can do without', () => {
  const textFor = (lacks: Parameters<typeof sampleSettings>[0]) =>
    renderNow({ services: [], addresses: new Map(), settings: sampleSettings(lacks) }).text;

  it('is told nothing of them', () => {
    expect(textFor({ lacks: OPTIONAL_MODULES })).not.to.match(/stub_status|gzip|fastcgi|uwsgi|scgi/);
  });

  it('and one with them what it needs to know', () => {
    const all = textFor({});
    for (const words of ['stub_status;', 'gzip off;', '/temp/fastcgi;', '/temp/uwsgi;', '/temp/scgi;']) {
      expect(all).to.contain(words);
    }
    expect(textFor({ gzip: 'on' })).to.contain('gzip on;');
  });
});
