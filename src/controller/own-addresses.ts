/**
 * Where we ourselves can be reached: a backend with such an address would send traffic round in circles. In: the addresses that
 * our listeners bind, and those of this machine's interfaces. Out: every (address, port) that means us. Pure.
 */
import type { NetworkInterfaceInfo } from 'node:os';

export interface OwnAddress {
  readonly address: string;
  readonly port: number;
}

type Interfaces = NodeJS.Dict<Pick<NetworkInterfaceInfo, 'address'>[]>;

/** `host` null: all interfaces. Ports that are still to be chosen (0) are nobody's yet. */
export function ownAddresses(
  listeners: readonly { readonly host: string | null; readonly port: number }[],
  interfaces: Interfaces,
  hostName: string,
): OwnAddress[] {
  const ofInterfaces = Object.values(interfaces).flatMap((infos) => (infos ?? []).map(({ address }) => address));
  const everywhere = ['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::', hostName.toLowerCase(), ...ofInterfaces];
  return listeners.flatMap(({ host, port }) => {
    if (port === 0) return [];
    const hosts = host === null || host === '0.0.0.0' || host === '::' ? everywhere : [host.toLowerCase()];
    const loopback = hosts.some((name) => name === '127.0.0.1' || name === '::1') ? ['localhost'] : [];
    const named = hosts.includes('localhost') ? ['127.0.0.1', '::1'] : [];
    return [...new Set([...hosts, ...loopback, ...named])].map((address) => ({ address, port }));
  });
}
