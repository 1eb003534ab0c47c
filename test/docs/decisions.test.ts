/**
 * The explanations that docs/decisions.md prints are what `explain` answers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { compileService } from '../../src/allocator/compile.ts';
import { explain } from '../../src/allocator/explain.ts';
import { type ImaginedRequest, imaginedFacts } from '../../src/allocator/imagined-request.ts';
import { sampleMigration } from '../../src/allocator/sample.test.ts';
import type { Migration } from '../../src/migration/model.ts';
import { STEADY } from '../../src/migration/run-state.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/decisions.md'), 'utf8');

/** The JSON block after `<!-- example: NAME -->`. */
function printed(name: string): unknown {
  const [, block] = PAGE.split(`<!-- example: ${name} -->\n\`\`\`json\n`);
  return JSON.parse(block.slice(0, block.indexOf('```')));
}

function answered(changes: Partial<Migration>, request: Partial<ImaginedRequest>): unknown {
  const migration = sampleMigration({ name: 'api-name01', cohort: 'api-name01', ...changes });
  const service = compileService({ migration, standing: 'valid' });
  const facts = imaginedFacts(service, { headers: [], cookies: [], ip: null, user: null, ...request });
  return { ...explain(service, STEADY, facts), source: 'file:config/migration.yaml' };
}

describe('docs/decisions.md', () => {
  it('explains a user as the code does', () => {
    const changes: Partial<Migration> = {
      strategy: 'user',
      headerRules: [{ header: 'x-team', match: { kind: 'exact', value: 'blue' }, target: 'new' }],
      ipRules: [{ cidr: '10.0.0.0/8', target: 'old' }],
    };
    expect(printed('a user')).to.deep.equal(answered(changes, { user: 'alice', ip: '192.0.2.1' }));
  });

  it('explains a draw as the code does', () => {
    expect(printed('a draw')).to.deep.equal(answered({}, {}));
  });
});
