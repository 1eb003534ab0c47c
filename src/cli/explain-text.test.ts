import { expect } from 'chai';
import { sampleMigration } from '../../test/support/status-samples.ts';
import { compileService } from '../allocator/compile.ts';
import { explain } from '../allocator/explain.ts';
import { type ImaginedRequest, imaginedFacts } from '../allocator/imagined-request.ts';
import type { Migration } from '../migration/model.ts';
import { type RunState, STEADY } from '../migration/run-state.ts';
import { renderExplanation } from './explain-text.ts';

const NOBODY: ImaginedRequest = { headers: [], cookies: [], ip: null, user: null };

function shown(migration: Partial<Migration>, request: Partial<ImaginedRequest>, run: RunState = STEADY): string[] {
  const service = compileService({ migration: sampleMigration(migration), standing: 'valid' });
  const explanation = explain(service, run, imaginedFacts(service, { ...NOBODY, ...request }));
  return renderExplanation({ ...explanation, source: 'configmap:shop/migration' }, (_, text) => text);
}

describe('an explanation for people', () => {
  it('names the rule that decided, and those that did not', () => {
    const headerRules = [
      { header: 'x-team', match: { kind: 'exact', value: 'red' }, target: 'new' },
      { header: 'x-team', match: { kind: 'exact', value: 'blue' }, target: 'new' },
    ] as const;
    const lines = shown({ headerRules }, { headers: [{ name: 'X-Team', value: 'blue' }] });
    expect(lines.slice(0, 2)).to.deep.equal(['shop -> new', 'reason    header, canary.header_rules[1]']);
    expect(lines).to.include('source    configmap:shop/migration');
    expect(lines.filter((line) => line.startsWith('asked'))).to.have.length(1);
    expect(lines.filter((line) => line.startsWith('matched'))[0]).to.match(
      /^matched {3}canary\.header_rules\[1\]: .*blue/,
    );
  });

  it('tells the bucket of a user and where it flips', () => {
    const lines = shown({ strategy: 'user' }, { user: '42' });
    const bucket = lines.find((line) => line.startsWith('bucket'));
    expect(bucket).to.match(/^bucket {4}\d+\.\d\d of 100 \(murmur2 of "shop:42"\)$/);
    expect(lines).to.satisfy((all: string[]) =>
      all.some((line) => /^flips {5}goes to new from [\d.]+ % on$/.test(line)),
    );
  });

  it('says what would be without the fallback', () => {
    const fallen: RunState = { ...STEADY, state: 'fallen_back', admitBp: 0 };
    const lines = shown({ shareBp: 10_000 }, {}, fallen);
    expect(lines.slice(0, 2)).to.deep.equal(['shop -> old', 'reason    fallback']);
    expect(lines).to.include('otherwise new (weight)');
  });

  it('counts rules beyond the first twenty that did not match', () => {
    const ipRules = Array.from({ length: 300 }, (_, i) => ({
      cidr: `10.0.${i >> 4}.${i & 15}/32`,
      target: 'new' as const,
    }));
    const lines = shown({ ipRules }, { ip: '192.0.2.1' });
    expect(lines.filter((line) => line.startsWith('asked'))).to.have.length(20);
    expect(lines).to.include(`${' '.repeat(10)}and 280 more that did not match`);
  });

  it('keeps what the request says from steering the terminal', () => {
    const lines = shown({ strategy: 'user' }, { user: 'a\x1b[2Jb' });
    expect(lines.join('')).not.to.include('\x1b');
  });
});
