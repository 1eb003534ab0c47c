/**
 * An IP address as numbers, read once. IPv4-mapped IPv6 is IPv4.
 */
export interface IpAddress {
  readonly family: 4 | 6;
  /** IPv4: the address as an unsigned 32 bit number, else the first 32 bits. */
  readonly a: number;
  /** IPv6: the next three words; 0 for IPv4. */
  readonly b: number;
  readonly c: number;
  readonly d: number;
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly text: string;
}
