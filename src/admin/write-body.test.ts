import { expect } from 'chai';
import fc from 'fast-check';
import { parseChange, parseReason } from './write-body.ts';

function change(text: string): unknown {
  const parsed = parseChange(Buffer.from(text));
  return 'problem' in parsed ? parsed.problem.code : parsed.value;
}

const ORDINARY = { reason: '', scope: 'own', mode: 'write' };

describe('the body of a change', () => {
  it('is a percentage with at most two decimals, and a reason', () => {
    for (const percentage of [0, 0.01, 0.07, 12.5, 29.99, 57.3, 99.99, 100]) {
      expect(change(JSON.stringify({ percentage }))).to.deep.equal({ ...ORDINARY, percentage });
    }
    expect(change(' {"reason": "más: \\"x\\": y", "percentage": 1e1}\n')).to.deep.equal({
      ...ORDINARY,
      percentage: 10,
      reason: 'más: "x": y',
    });
  });

  it('takes every share of a hundredth per cent as it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (basisPoints) => {
        const percentage = Number((basisPoints / 100).toFixed(2));
        expect(change(`{"percentage":${(basisPoints / 100).toFixed(2)}}`)).to.deep.equal({ ...ORDINARY, percentage });
      }),
    );
  });

  it('may want it forced, or only shown, and says so with true or false', () => {
    expect(change('{"percentage":1,"force":true}')).to.deep.include({ scope: 'even_if_managed', mode: 'write' });
    expect(change('{"percentage":1,"dry_run":true}')).to.deep.include({ scope: 'own', mode: 'preview' });
    expect(change('{"percentage":1,"dry_run":false,"force":false}')).to.deep.equal({ ...ORDINARY, percentage: 1 });
    for (const value of ['1', '"true"', 'null', '[]']) {
      expect(change(`{"percentage":1,"force":${value}}`), value).to.equal('bad_value');
      expect(change(`{"percentage":1,"dry_run":${value}}`), value).to.equal('bad_value');
    }
    expect(change('{"percentage":1,"dryRun":true}')).to.equal('bad_value');
  });

  it('is refused with any other percentage', () => {
    for (const value of [
      '-0',
      '-1',
      '100.01',
      '1e999',
      '-1e999',
      '0.001',
      '33.333',
      '"50"',
      'true',
      'null',
      '[50]',
      '{}',
      '1e-9',
    ]) {
      expect(change(`{"percentage":${value}}`), value).to.equal('bad_value');
    }
    expect(change('{}')).to.equal('bad_value');
  });

  it('is refused with a key that means nothing here, or twice', () => {
    const bodies = [
      '{"percentage":1,"percent":2}',
      '{"percentage":1,"__proto__":{"x":1}}',
      '{"percentage":1,"constructor":1}',
    ];
    for (const body of [...bodies, '{"percentage":1,"percentage":2}', '{"percentage":1,"\\u0070ercentage":2}']) {
      expect(change(body), body).to.equal('bad_value');
    }
  });

  it('is refused when it is no object, or no JSON at all', () => {
    for (const body of ['[]', '1', '"x"', 'null', '[{"percentage":1}]'])
      expect(change(body), body).to.equal('bad_value');
    const broken = [
      '',
      '{',
      '{"percentage":1}x',
      "{'percentage':1}",
      '{"percentage":NaN}',
      '{"percentage":01}',
      '\ufeff{"percentage":1}',
    ];
    for (const body of [...broken, '['.repeat(16_000)]) expect(change(body), body.slice(0, 20)).to.equal('bad_request');
    const invalidUtf8 = Buffer.from('{"percentage":1,"reason":"\xff"}', 'latin1');
    expect(parseChange(invalidUtf8)).to.have.nested.property('problem.code', 'bad_request');
  });

  it('is refused with a reason that is long, no text, or would disturb a log', () => {
    const reasons = ['x'.repeat(501), 'a\nb', '\u001b[2J', '\u009b2J', '\u2028', '\u202e', '\ud800'];
    for (const reason of [...reasons, 1, null, ['x']]) {
      expect(change(JSON.stringify({ percentage: 1, reason })), JSON.stringify(reason)).to.equal('bad_value');
    }
    expect(change(JSON.stringify({ percentage: 1, reason: '👩‍🚀'.padEnd(500) }))).to.have.property('percentage', 1);
  });

  it('never makes the reader throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseChange(bytes)));
    fc.assert(fc.property(fc.json({ maxDepth: 3 }), (text) => void change(text)));
  });
});

describe('the body of abort and resume', () => {
  it('is a reason, an empty object or nothing', () => {
    expect(parseReason(Buffer.from('{"reason":"maintenance"}'))).to.deep.equal({ value: { reason: 'maintenance' } });
    expect(parseReason(Buffer.from('{}'))).to.deep.equal({ value: { reason: '' } });
    expect(parseReason(Buffer.alloc(0))).to.deep.equal({ value: { reason: '' } });
    expect(parseReason(Buffer.from('{"percentage":1}'))).to.have.nested.property('problem.code', 'bad_value');
  });
});
