/**
 * The conformance table as tests: every case of some themes, for one plane. Where a plane is known to differ, the case is run
 * all the same and has to fail; the reason is printed in the test's name.
 */
import { type Differences, plan } from './plan.ts';
import { type Plane, PlaneFault } from './plane-under-test.ts';
import type { Case, Theme } from './theme.ts';

/** A case that has to fail may do so by waiting in vain, and need not do it for long: what it waits for comes at once or never. */
const IMPATIENCE_MS = 500;

const LIMIT_MS = 60_000;
const LONGER = 10;

export function conformance(plane: Plane, themes: readonly Theme[], differences: Differences): void {
  describe(`conformance of the ${plane.name} plane`, () => {
    after(() => plane.close());
    for (const { theme, cases } of plan(themes, differences)) {
      describe(theme, () => {
        for (const { of, differs } of cases) {
          const name = differs === null ? of.name : `${of.name} (differs: ${differs})`;
          it(name, () =>
            differs === null ? mustPass(of, plane) : mustDiffer(of.run({ ...plane, patienceMs: IMPATIENCE_MS })),
          ).timeout(of.limitMs ?? LIMIT_MS);
        }
      });
    }
  });
}

/**
 * Time limits are short, for there are many cases. A busy machine may overrun one that is not what the case is about; it does
 * not overrun one that is ten times as long. What fails with any limit, fails.
 */
export async function mustPass(of: Pick<Case, 'name' | 'run'>, plane: Plane): Promise<void> {
  try {
    await of.run(plane);
  } catch (error) {
    const words = error instanceof Error ? error.message.split('\n')[0] : String(error);
    console.log(`      again, with longer limits: ${of.name}: ${words}`);
    await of.run({ ...plane, patienceMs: plane.patienceMs * LONGER, longer: LONGER });
  }
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
