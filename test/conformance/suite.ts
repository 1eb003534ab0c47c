/**
 * The conformance table as tests: every case of every theme, for one plane. A plane may skip a case only by its name and with
 * a reason, which is printed in the test's name; a skip that names no case is an error, so that none outlives its cause.
 */

import type { Plane } from './plane-under-test.ts';
import type { Theme } from './theme.ts';
import { answers } from './themes/answers.ts';
import { attempts } from './themes/attempts.ts';
import { clients } from './themes/clients.ts';
import { decisions } from './themes/decisions.ts';
import { fuzz } from './themes/fuzz.ts';
import { handshakes } from './themes/handshakes.ts';
import { origins } from './themes/origins.ts';
import { ownAnswers } from './themes/own-answers.ts';
import { paths } from './themes/paths.ts';
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
  fuzz,
];

/** `theme: case`, and why this plane does not pass it. */
export type Skips = Readonly<Record<string, string>>;

export function conformance(plane: Plane, skips: Skips): void {
  const unused = new Set(Object.keys(skips));
  describe(`conformance of the ${plane.name} plane`, () => {
    for (const theme of THEMES) {
      describe(theme.name, () => {
        const names = new Set<string>();
        for (const { name, run, limitMs = 10_000 } of theme.cases) {
          if (names.has(name)) throw new Error(`two cases are named ${theme.name}: ${name}`);
          names.add(name);
          const key = `${theme.name}: ${name}`;
          const reason = skips[key];
          unused.delete(key);
          if (reason === undefined) it(name, () => run(plane)).timeout(limitMs);
          else it.skip(`${name} (${reason})`);
        }
      });
    }
    if (unused.size > 0) throw new Error(`skips of no case: ${[...unused].join(', ')}`);
  });
}
