/** The fuzz of the conformance table with a hundred thousand conversations, or `FUZZ_RUNS` of them. @alone */
import { DIRECT } from '../conformance/direct-under-test.ts';
import { fuzzCase } from '../conformance/themes/fuzz.ts';

describe('fuzz of the direct plane, long', () => {
  const { name, run, limitMs = 0 } = fuzzCase(Number(process.env.FUZZ_RUNS ?? 100_000));
  it(name, () => run(DIRECT)).timeout(limitMs);
});
