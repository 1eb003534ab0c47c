/**
 * What is known of one request besides its bytes: whose it is, its id, its sticky id; and how that is said to the allocator,
 * to backends and to the client. Everything is found out when it is first asked for.
 */
import type { Decision } from '../allocator/decision.ts';
import type { RequestFacts } from '../allocator/facts.ts';
import type { IpAddress } from '../allocator/ip.ts';
import { isStickyId, STICKY_COOKIE } from '../allocator/sticky.ts';
import { F } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Cluster } from '../migration/model.ts';
import { clientOf, isPrivate, isTrusted, schemeOf } from './forwarded.ts';
import { isRequestId, type RandomIds } from './request-id.ts';
import type { Renaming } from './rewrite.ts';
import type { RoutedService } from './routed-table.ts';

const STICKY_COOKIE_DAYS = 30;
const STICKY_ATTRIBUTES = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${STICKY_COOKIE_DAYS * 86_400}`;

export class RequestContext implements RequestFacts {
  readonly head: RequestHead;
  readonly service: RoutedService;
  readonly peer: IpAddress;
  /** The peer is one of trusted_proxies: what it says of its client counts. */
  readonly trusted: boolean;
  readonly id: string;
  readonly #ids: RandomIds;
  #ip: IpAddress | null = null;
  #sticky = '';

  constructor(head: RequestHead, service: RoutedService, peer: IpAddress, ids: RandomIds) {
    this.head = head;
    this.service = service;
    this.peer = peer;
    this.#ids = ids;
    this.trusted = isTrusted(peer, service.trusted);
    const sent = this.trusted ? head.header('x-request-id') : '';
    this.id = isRequestId(sent) ? sent : ids.next();
  }

  header(name: string): string {
    return this.head.header(name);
  }

  cookie(name: string): string {
    return this.head.cookie(name);
  }

  clientIp(): IpAddress {
    this.#ip ??= clientOf(this.peer, this.service.trusted, this.head);
    return this.#ip;
  }

  stickyId(): string {
    if (this.#sticky === '') {
      const sent = this.head.cookie(STICKY_COOKIE);
      this.#sticky = isStickyId(sent) ? sent : this.#ids.next();
    }
    return this.#sticky;
  }

  requestId(): string {
    return this.id;
  }

  mayProbe(methods: 'replayable' | 'all'): boolean {
    return !this.service.live.probing && (methods === 'all' || this.head.replayable);
  }

  /** Forwarded headers of a peer that looks like our own ingress and is not trusted: nearly always a mistake. */
  get forwardedInVain(): boolean {
    return !this.trusted && this.head.has(F.X_FORWARDED_FOR) && isPrivate(this.peer);
  }

  /** How new_host is called towards this client. */
  renaming(): Renaming {
    const { head } = this;
    const { host, protocol } = this.service.migration.new;
    return {
      newHost: host,
      newProtocol: protocol,
      clientAuthority: head.buf.toString('latin1', head.authorityStart, head.authorityEnd),
      clientHost: head.host,
      clientScheme: schemeOf(head, this.trusted),
    };
  }

  /** Header lines of our own in an answer of `cluster` (null: our own answer), each with its CRLF. */
  ownLines(decision: Decision | null, cluster: Cluster | null): string {
    const { migration, compiled } = this.service;
    let lines = '';
    if (migration.exposeDecision && decision !== null) {
      if (cluster !== null) lines = `X-Migration-Cluster: ${cluster}\r\n`;
      lines += `X-Migration-Reason: ${decision.reason}\r\n`;
    }
    if (cluster !== null && compiled.sticky && compiled.fixed === null) {
      if (this.stickyId() !== this.head.cookie(STICKY_COOKIE)) {
        lines += `Set-Cookie: ${STICKY_COOKIE}=${this.stickyId()}; ${STICKY_ATTRIBUTES}\r\n`;
      }
    }
    return lines;
  }
}
