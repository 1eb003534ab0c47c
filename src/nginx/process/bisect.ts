/**
 * Which services make nginx refuse a text. In: names, a check of a text that has only some of them. Out: the refused ones
 * with nginx's words; all others together pass. Usually one of thousands is bad: that takes about twice log2 of the number
 * of checks. Of several that only clash together, the later ones are refused.
 */

/** Parts of the names; `message`: how a text of the good ones and these was refused, null where that is not known yet. */
interface Part {
  readonly names: readonly string[];
  readonly message: string | null;
}

/** Enough for more than ten bad services among 5 000. */
const MOST_CHECKS = 250;

/**
 * `check`: null where the text of these services passes, else nginx's words. Empty: no service is to blame; either all of
 * them pass, or the text fails without any. What is not known after `mostChecks` checks is refused as well: a service that
 * is served as before harms nobody, a text that fails does.
 */
export async function refusedServices(
  names: readonly string[],
  check: (subset: readonly string[]) => Promise<string | null>,
  mostChecks = MOST_CHECKS,
): Promise<Map<string, string>> {
  const refused = new Map<string, string>();
  const whole = await check(names);
  if (whole === null || (await check([])) !== null) return refused;
  let checks = 2;
  let good: readonly string[] = [];
  let parts: readonly Part[] = [{ names, message: whole }];
  const passes = async (subset: readonly string[]): Promise<string | null> => {
    checks++;
    const chosen = new Set([...good, ...subset]);
    const message = await check(names.filter((name) => chosen.has(name)));
    if (message === null) good = [...good, ...subset];
    return message;
  };
  while (parts.length > 0 && checks < mostChecks) {
    // The largest first: should the checks run out, most services are known to be good.
    const [part, ...rest] = [...parts].sort((x, y) => y.names.length - x.names.length);
    parts = [...rest, ...(await resolved(part, passes, refused))];
  }
  for (const { names: open, message } of parts) {
    for (const name of open) refused.set(name, `not looked for further among ${open.length}: ${message ?? whole}`);
  }
  return refused;
}

/** What is still to be looked at of a part. */
async function resolved(
  part: Part,
  passes: (subset: readonly string[]) => Promise<string | null>,
  refused: Map<string, string>,
): Promise<Part[]> {
  const message = part.message ?? (await passes(part.names));
  if (message === null) return [];
  if (part.names.length === 1) {
    refused.set(part.names[0], message);
    return [];
  }
  const middle = Math.ceil(part.names.length / 2);
  const [first, second] = [part.names.slice(0, middle), part.names.slice(middle)];
  const ofFirst = await passes(first);
  // Where the first half is now among the good, the second half's text is the one that was refused.
  return ofFirst === null
    ? [{ names: second, message }]
    : [
        { names: first, message: ofFirst },
        { names: second, message: null },
      ];
}
