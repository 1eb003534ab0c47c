/**
 * How often one peer may show a wrong token.
 * In: a peer's address and the time. Out: whether it must wait. A peer has 20 failures at once and one more every 3 s, so
 * that guessing is hopeless and a mistyped script recovers by itself. A peer that must wait is refused even with the right
 * token: otherwise a guesser would learn it at full speed. Bounded: the peer seen longest ago is forgotten first.
 */
const BURST = 20;
const REFILL_MS = 3_000;
const MAX_PEERS = 1_024;

export class FailedAttempts {
  /** When the peer's last failure will be forgotten, epoch ms; insertion order is age. */
  readonly #forgottenMs = new Map<string, number>();

  /** Milliseconds until this peer may try again; 0: now. */
  waitMs(address: string, nowMs: number): number {
    const forgottenMs = this.#forgottenMs.get(peerOf(address)) ?? 0;
    return Math.max(0, forgottenMs - nowMs - (BURST - 1) * REFILL_MS);
  }

  add(address: string, nowMs: number): void {
    const peer = peerOf(address);
    const forgottenMs = Math.max(this.#forgottenMs.get(peer) ?? 0, nowMs) + REFILL_MS;
    this.#forgottenMs.delete(peer);
    this.#forgottenMs.set(peer, forgottenMs);
    if (this.#forgottenMs.size > MAX_PEERS) this.#forgottenMs.delete(this.#forgottenMs.keys().next().value!);
  }
}

/** An IPv6 host has a whole /64 to come from. */
function peerOf(address: string): string {
  const ipv4 = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!ipv4.includes(':')) return ipv4;
  const [head, tail = ''] = address.split('::');
  const front = head.split(':').filter(Boolean);
  const back = tail.split(':').filter(Boolean);
  const middle = address.includes('::') ? Array(Math.max(0, 8 - front.length - back.length)).fill('0') : [];
  return [...front, ...middle, ...back].slice(0, 4).join(':');
}
