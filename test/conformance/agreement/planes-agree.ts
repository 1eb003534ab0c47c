/** Both planes, started once, and as many drawn configurations as are asked for, each with its exchanges: they have to agree. */
import fc from 'fast-check';
import { disagreements } from './agreement.ts';
import { rawExchanges } from './drawn-exchanges.ts';
import { configurations } from './drawn-services.ts';
import { directSide, nginxSide, type Side } from './two-planes.ts';

const EXCHANGES = 50;
/** A failure shows this many. */
const SHOWN = 3;

export function planesAgree(configurationCount: number): void {
  describe('the planes agree', () => {
    let sides: [Side, Side];
    before(async () => {
      sides = [await directSide(), await nginxSide()];
    });
    after(() => Promise.all(sides.map((side) => side.stop())));

    it(`on ${configurationCount * EXCHANGES} drawn exchanges`, async () => {
      const exchanges = fc.array(rawExchanges, { minLength: EXCHANGES, maxLength: EXCHANGES, size: 'max' });
      const property = fc.asyncProperty(configurations, exchanges, async (drawn, some) => {
        const found = await disagreements(drawn, some, sides);
        const shown = found.slice(0, SHOWN).map(({ kind, text }) => `${kind}\n${text}`);
        if (found.length > 0) throw new Error(`${found.length} disagreements\n${shown.join('\n')}`);
      });
      // One that disagrees is shown as it is: a smaller one takes a reload for each try.
      await fc.assert(property, { numRuns: configurationCount, endOnFailure: true });
    }).timeout(30_000 + 3_000 * configurationCount);
  });
}
