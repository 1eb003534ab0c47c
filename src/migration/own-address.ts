/** Whether a backend is one of our own listeners, which would send each request round in a circle. Names are not resolved. */
import type { ClusterTarget } from './model.ts';

/** Where we listen: an address without brackets, lower case; `0.0.0.0`, `::` and '' are every address of the machine. */
export interface OwnAddress {
  readonly address: string;
  readonly port: number;
}

export function isOwnAddress(target: ClusterTarget, own: readonly OwnAddress[]): boolean {
  return own.some(({ address, port }) => port === target.port && isSame(target.address, address));
}

function isSame(backend: string, own: string): boolean {
  if (backend === own) return true;
  if (isLoopback(backend)) return isEvery(own) || (backend === 'localhost' && isLoopback(own)) || own === 'localhost';
  // Linux connects an unspecified address to the machine itself.
  return isEvery(backend) && (isEvery(own) || isLoopback(own));
}

function isEvery(address: string): boolean {
  return address === '' || address === '0.0.0.0' || address === '::' || address === '*';
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}
