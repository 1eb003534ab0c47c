/**
 * The `upstream` blocks. In: the sides of services and the addresses of their names. Out: one block for each distinct backend, protocol,
 * TLS name and TLS policy, because nginx uses a block's kept connections and TLS sessions for whoever names it. A block's
 * name follows from its own content alone, so that an edit of one service changes no other's text.
 */
import { hash } from 'node:crypto';
import type { ClusterTarget } from '../../migration/model.ts';
import { endpoint, upstreamName } from './grammar.ts';
import { Holes, type Shaped } from './shapes.ts';
import { type Token, token } from './token.ts';

/** What a connection is used for, and so whom it may serve. */
export interface Peer {
  readonly target: ClusterTarget;
  /** Server name and name in the certificate; null where TLS is not spoken. */
  readonly tlsName: string | null;
}

export interface Upstream {
  readonly name: Token;
  readonly servers: readonly { readonly server: Token; readonly down: boolean }[];
  readonly keepalive: Token;
}

/**
 * How many idle connections a worker keeps, in steps of two. Fewer than clients ask at once means connecting anew all the time (64
 * clients and 32 kept: twice the CPU a request, nginx 1.22.1); each costs some 170 bytes a block, so thousands of blocks keep
 * fewer, but for those that many services share.
 */
const LEAST_KEPT = 32;
const MOST_KEPT = 256;
const FEW_BLOCKS = 256;

const FEWEST_DIGITS = 6;
const LENGTHS = 32;

export class Upstreams {
  readonly #addresses: (host: string) => readonly string[] | null;
  readonly #found = new Map<
    string,
    { readonly name: Token; readonly addresses: readonly string[] | null; users: number }
  >();
  readonly #targets = new Map<string, ClusterTarget>();

  constructor(addresses: (host: string) => readonly string[] | null) {
    this.#addresses = addresses;
  }

  /** The name of the peer's block, and how many addresses it has (0: its name never resolved). */
  use(peer: Peer): { readonly name: Token; readonly addresses: number } {
    const key = keyOf(peer);
    let found = this.#found.get(key);
    if (found === undefined) {
      found = { name: nameOf(peer, key), addresses: this.#addresses(peer.target.address), users: 0 };
      this.#found.set(key, found);
      this.#targets.set(key, peer.target);
    }
    found.users += 1;
    return { name: found.name, addresses: found.addresses?.length ?? 0 };
  }

  /** In the order of their names. */
  blocks(): Upstream[] {
    const least = this.#found.size <= FEW_BLOCKS ? MOST_KEPT : LEAST_KEPT;
    return [...this.#found]
      .map(([key, { name, addresses, users }]) => ({
        name,
        servers: serversOf(this.#targets.get(key)!, addresses),
        keepalive: token(String(kept(users, least))),
      }))
      .sort((x, y) => (x.name < y.name ? -1 : 1));
  }
}

export function shapedUpstream({ name, servers, keepalive }: Upstream): Shaped<Upstream> {
  const holes = new Holes();
  const model = {
    name: holes.of(name),
    servers: servers.map(({ server, down }) => ({ server: holes.of(server), down })),
    keepalive,
  };
  return { model, words: holes.words };
}

/** Equal for peers that may share connections. */
export function keyOf({ target, tlsName }: Peer): string {
  const { address, port, protocol, tls } = target;
  const policy = protocol === 'https' ? [tlsName, tls.ca, tls.caFile, tls.insecureSkipVerify] : [];
  return JSON.stringify([address, port, protocol, ...policy]);
}

/**
 * `1f2e3d4c5b6a_shop.example_443`. nginx compares each proxy_pass with all blocks before it, first the lengths of the names, then
 * their characters: so there are 6 to 37 digits, as the hash says, and they stand first. 5 000 pairs of backends are loaded
 * in 4.3 s, with 12 digits each in 5.4 s (nginx 1.22.1).
 */
function nameOf({ target }: Peer, key: string): Token {
  const digest = hash('sha256', key, 'hex');
  const digits = digest.slice(0, FEWEST_DIGITS + (Number.parseInt(digest.slice(-2), 16) % LENGTHS));
  const host = target.address.replace(/[^a-z0-9.-]/g, '-');
  return upstreamName(`${digits}_${host}_${target.port}`, 'upstream');
}

function serversOf(target: ClusterTarget, addresses: readonly string[] | null): Upstream['servers'] {
  // A name that never resolved: nobody is asked, and only the services of this block answer 502.
  if (addresses === null || addresses.length === 0) return [{ server: token('127.0.0.1:1'), down: true }];
  return addresses.map((address) => ({ server: endpoint(address, target.port, 'address'), down: false }));
}

function kept(users: number, least: number): number {
  let size = least;
  while (size < MOST_KEPT && size < users * 16) size *= 2;
  return size;
}
