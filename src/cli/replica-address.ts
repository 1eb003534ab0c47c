/**
 * Where other replicas reach this one's admin server. In: what it is bound to, and the address of the pod. Out: a URL's origin, or
 * null where nobody else gets through. Pure.
 */

/** `host` as bound: `::`, `127.0.0.1`. `podIp`: as the downward API gives it; undefined outside a pod. */
export function replicaAddress(
  { host, port }: { readonly host: string; readonly port: number },
  podIp: string | undefined,
): string | null {
  const isEverywhere = host === '::' || host === '0.0.0.0' || host === '';
  if (isEverywhere) return podIp ? origin(podIp, port) : null;
  // Bound to loopback in a pod: other pods do not get there. Without a pod all replicas may be on this machine.
  return podIp === undefined || podIp === '' || podIp === host ? origin(host, port) : null;
}

function origin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
