/**
 * What suites need, provided: the words behind `@needs` in, a reason for each that can't be met out. Programs come from the
 * machine, `kubernetes` and `helm` from their modules where the machine has none; suites find those by the environment
 * (TEST_ETCD and so on), which is filled in here. Refuses to know which suite needs what.
 */
import { KUBERNETES_NEEDS, type KubernetesProgram, provideKubernetes, variableOf } from './kubernetes-servers.ts';
import { type Missing, provide } from './programs.ts';

/** Installs and builds, one line to `say` a step and at least one in 30 s. */
export async function provideNeeds(needs: readonly string[], say: (line: string) => void): Promise<Missing> {
  const servers = new Set(needs.filter((need) => need in KUBERNETES_NEEDS));
  const programs = needs.filter((need) => !servers.has(need));
  // The certificates of a Kubernetes for tests are made by openssl.
  if (servers.has('kubernetes')) programs.push('openssl');
  const missing = new Map(await provide(programs, say));
  const wanted = [...servers].flatMap((need) => KUBERNETES_NEEDS[need] ?? []);
  const provided = await provideKubernetes(wanted, say);
  for (const [program, path] of provided.paths) process.env[variableOf(program)] = path;
  for (const need of servers) {
    const reasons = reasonsOf(KUBERNETES_NEEDS[need] ?? [], provided.missing);
    if (need === 'kubernetes' && missing.has('openssl')) reasons.push(`openssl: ${missing.get('openssl')}`);
    if (reasons.length > 0) missing.set(need, reasons.join('; '));
  }
  return missing;
}

/** Each reason once, with all programs that it keeps away. */
export function reasonsOf(
  programs: readonly KubernetesProgram[],
  missing: ReadonlyMap<KubernetesProgram, string>,
): string[] {
  const lacking = programs.filter((program) => missing.has(program));
  const reasons = new Set(lacking.map((program) => missing.get(program)));
  return [...reasons].map((reason) => {
    const kept = lacking.filter((program) => missing.get(program) === reason).join(', ');
    return `${reason} (KUBEBUILDER_ASSETS may name a folder with ${kept})`;
  });
}
