/** docs/conformance.md against the table: its themes, and every reason for which a plane differs. */
import { expect } from 'chai';
import { NGINX_DIFFERENCES, NGINX_REASONS } from '../conformance/nginx-differences.ts';
import { plan } from '../conformance/plan.ts';
import { THEMES } from '../conformance/themes.ts';
import { pageText, rowsOf, sectionOf } from './page.ts';

const PAGE = pageText('docs/conformance.md');

describe('docs/conformance.md', () => {
  it('names every theme, and no other', () => {
    const named = rowsOf(sectionOf(PAGE, 'Themes')).flatMap(([themes]) => themes.split(', '));
    expect(named).to.have.members(THEMES.map(({ name }) => name));
  });

  it('gives every reason for which nginx differs, and how many cases it explains', () => {
    const counts = new Map(NGINX_REASONS.map((reason) => [reason, 0]));
    for (const reason of Object.values(NGINX_DIFFERENCES)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const written = rowsOf(sectionOf(PAGE, 'Where nginx differs')).map(([reason, count]) => [reason, Number(count)]);
    expect(written).to.deep.equal([...counts]);
  });

  it('every difference is in a case of the table', () => {
    expect(() => plan(THEMES, NGINX_DIFFERENCES)).to.not.throw();
  });
});
