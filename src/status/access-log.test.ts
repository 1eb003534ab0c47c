import { expect } from 'chai';
import fc from 'fast-check';
import { SAMPLE_TIME_MS as NOW, sampleRecord } from '../../test/support/status-samples.ts';
import { AccessLines, accessLine } from './access-log.ts';
import type { RequestRecord } from './request-record.ts';

function savedByOld(changes: Partial<RequestRecord> = {}): RequestRecord {
  const attempts: RequestRecord['attempts'] = [
    { cluster: 'new', failure: 'timeout', message: 'no answer within 30 s', durationMs: 30_000 },
    { cluster: 'old', failure: null, message: '', durationMs: 3.25 },
  ];
  return sampleRecord({ cluster: 'old', attempts, startedMs: NOW - 30_004, ...changes });
}

describe('the access log', () => {
  it('has a line with everything that an incident asks for', () => {
    expect(JSON.parse(accessLine(savedByOld()))).to.deep.equal({
      time: '2026-01-01T00:00:00.000Z',
      event: 'request',
      request_id: '0123456789abcdef0123456789abcdef',
      service: 'shop',
      reason: 'weight',
      cluster: 'old',
      method: 'GET',
      status: 200,
      answered: true,
      duration_ms: 30_004,
      attempts: [
        { cluster: 'new', failure: 'timeout', message: 'no answer within 30 s', duration_ms: 30_000 },
        { cluster: 'old', failure: null, message: '', duration_ms: 3.25 },
      ],
    });
  });

  it('in mode errors takes failed attempts and lost requests, and leaves out the rest', () => {
    const log = new AccessLines('errors');
    expect(log.lineOf(savedByOld())).to.be.a('string');
    expect(log.lineOf(sampleRecord({ status: 502, answered: false, attempts: [] }))).to.be.a('string');
    expect(log.lineOf(sampleRecord())).to.equal(null);
    expect(log.lineOf(sampleRecord({ status: 500 }))).to.equal(null);
    expect(log.lineOf(sampleRecord({ status: 0, answered: false }))).to.equal(null);
  });

  it('off takes nothing, all takes everything and without a limit', () => {
    expect(new AccessLines('off').lineOf(savedByOld())).to.equal(null);
    const all = new AccessLines('all');
    for (let i = 0; i < 150; i++) expect(all.lineOf(sampleRecord())).to.be.a('string');
    expect(all.suppressedLines(Number.POSITIVE_INFINITY)).to.deep.equal([]);
  });

  it('in mode errors writes 100 lines a second for each service and tells how many it left out', () => {
    const log = new AccessLines('errors');
    const lines = Array.from({ length: 130 }, () => log.lineOf(savedByOld())).filter((line) => line !== null);
    expect(lines).to.have.length(100);
    expect(log.lineOf(savedByOld({ service: 'cart' }))).to.be.a('string');
    expect(log.suppressedLines(NOW + 999)).to.deep.equal([]);
    expect(log.suppressedLines(NOW + 1_000).map((line) => JSON.parse(line))).to.deep.equal([
      { time: '2026-01-01T00:00:00.000Z', event: 'suppressed', service: 'shop', suppressed: 30 },
    ]);
    expect(log.suppressedLines(NOW + 2_000)).to.deep.equal([]);
    expect(log.lineOf(savedByOld({ endedMs: NOW + 1_000 }))).to.be.a('string');
  });

  it('loses no count when the second turns before the tally is asked for', () => {
    const log = new AccessLines('errors');
    for (let i = 0; i < 101; i++) log.lineOf(savedByOld());
    for (let i = 0; i < 102; i++) log.lineOf(savedByOld({ endedMs: NOW + 1_000 }));
    expect(JSON.parse(log.suppressedLines(NOW + 2_000)[0])).to.include({ suppressed: 3 });
  });

  it('is one line of plain JSON whatever the texts hold', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(texts, texts, (requestId, message) => {
        const attempts: RequestRecord['attempts'] = [{ cluster: 'new', failure: 'reset', message, durationMs: 1 }];
        const line = accessLine(sampleRecord({ requestId, attempts }));
        expect(line).not.to.match(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
        expect(JSON.parse(line).request_id).to.equal(requestId);
      }),
    );
  });

  it('cuts a text that is absurdly long', () => {
    expect(accessLine(sampleRecord({ requestId: 'x'.repeat(100_000) })).length).to.be.below(2_000);
  });
});
