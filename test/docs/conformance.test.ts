/** docs/conformance.md against the table: its themes, and every reason for which a plane differs. */
import { expect } from 'chai';
import { NGINX_REASONS, nginxDifferences } from '../conformance/nginx-differences.ts';
import { plan } from '../conformance/plan.ts';
import { THEMES } from '../conformance/themes.ts';
import { pageText, rowsOf, sectionOf } from './page.ts';

const DIFFERENCES = {
  ...nginxDifferences({ major: 1, minor: 22, patch: 1 }, 'no njs'),
  ...nginxDifferences({ major: 1, minor: 31, patch: 0 }, 'no njs'),
};
const PAGE = pageText('docs/conformance.md');

describe('docs/conformance.md', () => {
  it('names every theme, and no other', () => {
    const named = rowsOf(sectionOf(PAGE, 'Themes')).flatMap(([themes]) => themes.split(', '));
    expect(named).to.have.members(THEMES.map(({ name }) => name));
  });

  it('gives every reason for which nginx differs, and how many cases it explains', () => {
    const counts = new Map(NGINX_REASONS.map((reason) => [reason, 0]));
    for (const reason of Object.values(DIFFERENCES)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const written = rowsOf(sectionOf(PAGE, 'Where nginx differs')).map(([reason, count]) => [reason, Number(count)]);
    expect(written).to.deep.equal([...counts]);
  });

  it('every difference is in a case of the table', () => {
    expect(() => plan(THEMES, DIFFERENCES)).to.not.throw();
  });
});
