import { expect } from 'chai';
import { sampleEntry } from '../../test/support/status-samples.ts';
import { renderHistory } from './history-table.ts';
import { painter } from './streams.ts';

const PLAIN = painter({}, {});

describe('the table of the history', () => {
  it('says when, whose, what, by whom and why', () => {
    const lines = renderHistory(
      [
        sampleEntry(),
        sampleEntry({ kind: 'changed', service: null, from: null, to: '12 services: timeout', why: '' }),
        sampleEntry({ kind: 'reverted', from: '30 %', to: '20 %', by: 'argocd-controller', why: 'commit it' }),
        sampleEntry({ kind: 'fallen_back', from: 'steady', to: 'fallen_back', by: 'pod-a', why: 'connect refused' }),
      ],
      PLAIN,
    );
    expect(lines).to.deep.equal([
      'TIME                  SERVICE  WHAT                   BY                 WHY',
      '2026-01-01 00:00:00Z  shop     20 % -> 30 %           cli:ada            a quiet night',
      '2026-01-01 00:00:00Z  -        12 services: timeout   cli:ada',
      '2026-01-01 00:00:00Z  shop     set back 30 % -> 20 %  argocd-controller  commit it',
      '2026-01-01 00:00:00Z  shop     fell back              pod-a              connect refused',
    ]);
  });

  it('shows what it does not know, and lets nothing steer a terminal', () => {
    const [, line] = renderHistory([sampleEntry({ kind: 'drained', at: 'soon', by: 'x\x1b[2J\ny', why: '' })], PLAIN);
    expect(line).to.equal('soon  shop     drained  x [2J y');
    for (const kind of ['constructor', '__proto__', 'toString']) {
      expect(renderHistory([sampleEntry({ kind })], PLAIN)[1]).to.contain(kind);
    }
  });
});
