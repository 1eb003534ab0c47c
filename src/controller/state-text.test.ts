import { expect } from 'chai';
import { stateInText, stateText } from './state-text.ts';

const HELD = {
  ...{ format: 1, state: 'fallen_back', since: '2026-01-01T00:00:00.000Z', reason: 'held', tripped_by: null, trips: 0 },
  ...{ hold: { by: 'ann', at: '2026-01-01T00:00:00.000Z', reason: '' }, wait_ms: 0, retry_at: null },
};

describe('the text of a shared state', () => {
  it('keeps the members of a later version', () => {
    const text = JSON.stringify({ new_target: 'n', zone: 'b', state: HELD });
    const said = stateInText(text, Date.UTC(2026, 1, 1), null);
    expect(said?.members).to.deep.equal({ zone: 'b' });
    expect(JSON.parse(stateText('n', HELD as never, said!.members))).to.deep.equal(JSON.parse(text));
  });

  it('is none where it is nested so deeply that it could not be written again', () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000);
    expect(stateInText(`{"new_target":"n","zone":${deep},"state":${JSON.stringify(HELD)}}`, 0, null)).to.equal(null);
    expect(stateInText('no JSON', 0, null)).to.equal(null);
    expect(stateInText('[]', 0, null)).to.equal(null);
  });
});
