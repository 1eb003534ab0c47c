/**
 * The conformance table as tests: every case of every theme, for one plane. A plane may skip a case only by its name and with
 * a reason, which is printed in the test's name; a skip that names no case is an error, so that none outlives its cause.
 */

import { plan, type Skips } from './plan.ts';
import type { Plane } from './plane-under-test.ts';
import type { Theme } from './theme.ts';
import { answers } from './themes/answers.ts';
import { attempts } from './themes/attempts.ts';
import { bodies } from './themes/bodies.ts';
import { clients } from './themes/clients.ts';
import { decisions } from './themes/decisions.ts';
import { fuzz } from './themes/fuzz.ts';
import { handshakes } from './themes/handshakes.ts';
import { origins } from './themes/origins.ts';
import { ownAnswers } from './themes/own-answers.ts';
import { paths } from './themes/paths.ts';
import { pipelines } from './themes/pipelines.ts';
import { refusedBodies } from './themes/refused-bodies.ts';
import { refusedHeads } from './themes/refused-heads.ts';
import { renaming } from './themes/renaming.ts';
import { requestHeads } from './themes/request-heads.ts';
import { retries } from './themes/retries.ts';
import { shares } from './themes/shares.ts';
import { vouching } from './themes/vouching.ts';

const THEMES: readonly Theme[] = [
  decisions,
  clients,
  shares,
  paths,
  requestHeads,
  vouching,
  refusedHeads,
  refusedBodies,
  answers,
  renaming,
  origins,
  attempts,
  retries,
  ownAnswers,
  handshakes,
  bodies,
  pipelines,
  fuzz,
];

export function conformance(plane: Plane, skips: Skips): void {
  describe(`conformance of the ${plane.name} plane`, () => {
    for (const { theme, cases } of plan(THEMES, skips)) {
      describe(theme, () => {
        for (const { of, skipped } of cases) {
          if (skipped !== null) it.skip(`${of.name} (${skipped})`);
          else it(of.name, () => of.run(plane)).timeout(of.limitMs ?? 10_000);
        }
      });
    }
  });
}
