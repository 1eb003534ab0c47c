/** Rows that are a request and its decision: each is a case of its own, on a stage of its own. */
import { expect } from 'chai';
import type { Cluster } from '../../src/migration/model.ts';
import { decisionOf, type Given, onStage, request } from './stage.ts';
import type { Case } from './theme.ts';

export interface Group extends Given {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** What is special, the request's own lines, and `cluster reason`. */
export type Row = readonly [what: string, lines: readonly string[], decision: string];

export function groupCases(groups: readonly Group[]): Case[] {
  return groups.flatMap((group) =>
    group.rows.map(([what, lines, decision]) => ({
      name: `${group.name}: ${what}`,
      run: (plane) =>
        onStage(plane, group, async (stage) => {
          const answer = await stage.ask(request('GET', '/', lines));
          expect(answer.status).to.equal(200);
          expect(decisionOf(answer)).to.equal(decision);
          stage.only(decision.split(' ')[0] as Cluster);
        }),
    })),
  );
}
