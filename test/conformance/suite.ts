/**
 * The conformance table as tests: every case of some themes, for one plane. Where a plane is known to differ, the case is run
 * all the same and has to fail; the reason is printed in the test's name.
 */
import { type Differences, plan } from './plan.ts';
import { type Plane, PlaneFault } from './plane-under-test.ts';
import type { Theme } from './theme.ts';

/** A case that has to fail may do so by waiting in vain, and need not do it for long: what it waits for comes at once or never. */
const IMPATIENCE_MS = 500;

export function conformance(plane: Plane, themes: readonly Theme[], differences: Differences): void {
  describe(`conformance of the ${plane.name} plane`, () => {
    after(() => plane.close());
    for (const { theme, cases } of plan(themes, differences)) {
      describe(theme, () => {
        for (const { of, differs } of cases) {
          const name = differs === null ? of.name : `${of.name} (differs: ${differs})`;
          it(name, () =>
            differs === null ? of.run(plane) : mustDiffer(of.run({ ...plane, patienceMs: IMPATIENCE_MS })),
          ).timeout(of.limitMs ?? 10_000);
        }
      });
    }
  });
}

/** A plane that did not even start shows nothing of the case. */
export async function mustDiffer(run: Promise<void>): Promise<void> {
  const passed = await run.then(
    () => true,
    (error) => {
      if (error instanceof PlaneFault) throw error;
      return false;
    },
  );
  if (passed) throw new Error('it passes: no difference any more');
}
