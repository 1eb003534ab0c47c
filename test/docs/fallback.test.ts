/**
 * docs/fallback.md: its defaults are the configuration's, the reasons that it shows are given in those very words, its states are those
 * that there are, and its arithmetic comes out.
 */
import { expect } from 'chai';
import { METRIC_FAMILIES } from '../../src/admin/metric-families.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { Rehearsal } from '../../src/fallback/rehearsal.test.ts';
import { ServiceStats } from '../../src/status/service-stats.ts';
import { blocksOf, codesIn, pageText, rowsOf, sectionOf } from './page.ts';

const PAGE = pageText('docs/fallback.md');
const CONFIGURATION = pageText('docs/configuration.md');

describe('docs/fallback.md', () => {
  it('has the states that the metric knows', () => {
    const [family] = METRIC_FAMILIES.filter(({ name }) => name === 'migration_proxy_service_state');
    const service = { name: 'a', percentage: 0, state: 'steady', fallbacks: 0, stats: new ServiceStats() } as const;
    const facts = {
      generation: 1,
      configErrors: 0,
      lastSuccessMs: null,
      connections: { client: 0, old: 0, new: 0 },
      nginx: null,
      cluster: null,
      refusals: new Map(),
      services: [service],
    };
    const states = [...family.batches(facts)].flat().map(({ labels }) => labels.state);
    expect(rowsOf(PAGE.split('\n## ')[0]).map(([state]) => codesIn(state)[0])).to.have.members(states);
  });

  it('shows reasons in the words in which they are given', () => {
    const inRow = new Rehearsal();
    for (const second of [0, 0.5, 1, 1.5, 2.1]) inRow.fresh(second, 'connect');
    const rate = new Rehearsal({ maxFailureRate: 0.6, minRequests: 31 });
    // 19 of 31, never five in a row.
    for (let i = 0; i < 31; i++) rate.fresh(i, i % 5 < 3 ? 'reset' : 200);
    const checks = new Rehearsal();
    for (let i = 1; i <= 3; i++) checks.check(i * 30, 'new', 'certificate expired 2 h ago');
    const [{ text }] = blocksOf(sectionOf(PAGE, 'When it goes back'));
    const given = [inRow, rate, checks].map((rehearsal) => {
      expect(rehearsal.kind).to.equal('fallen_back');
      return rehearsal.view(100).reason;
    });
    expect(given).to.deep.equal(text.trim().split('\n'));
  });

  it('gives the defaults of docs/configuration.md, and every key of fallback', () => {
    const defaults = (page: string, section: string) =>
      new Map(rowsOf(sectionOf(page, section)).map(([keys, value]) => [codesIn(keys)[0], value.replaceAll('`', '')]));
    const knobs = defaults(PAGE, 'Every knob');
    const keys = defaults(CONFIGURATION, '`fallback`');
    for (const [key, value] of keys) {
      const told = knobs.get(`fallback.${key}`);
      expect(told, key).not.to.equal(undefined);
      if (/^\d/.test(told!)) expect(told, key).to.equal(value.replace(/s$/, ''));
    }
    for (const [key, value] of defaults(CONFIGURATION, '`global`')) {
      if (knobs.has(`global.${key}`)) expect(knobs.get(`global.${key}`)).to.equal(value);
    }
  });

  it('says when a busy service is back at the soonest', () => {
    const rehearsal = new Rehearsal().trip(0);
    let second = 0;
    // Checked and asked ten times a second, the user being always the one that is admitted.
    while (rehearsal.kind !== 'steady' && second < 1_000) {
      second = Math.round((second + 0.1) * 10) / 10;
      rehearsal.tick(second);
      if (rehearsal.kind === 'fallen_back') rehearsal.check(second, 'new');
      else rehearsal.fresh(second, 200);
    }
    const [, minutes, seconds] = /is back (\d+) min (\d+) s after/.exec(PAGE)!;
    expect(second).to.be.closeTo(Number(minutes) * 60 + Number(seconds), 1);
  });

  it('shows commands that there are', () => {
    const names = buildProgram().commands.map((command) => command.name());
    const lines = blocksOf(PAGE).flatMap(({ text }) => [...text.matchAll(/^migration-proxy (\w+)/gm)]);
    expect(lines).not.to.deep.equal([]);
    for (const [, name] of lines) expect(names).to.include(name);
  });
});
