/**
 * One request from its head to the end of its answer: decided once, sent, and sent again elsewhere where that is safe.
 * It is what the allocator asks for facts and what an upstream connection reports to. One object a request.
 */

import { decide } from '../allocator/decide.ts';
import type { Decision } from '../allocator/decision.ts';
import type { RequestFacts } from '../allocator/facts.ts';
import type { IpAddress } from '../allocator/ip.ts';
import { isStickyId, STICKY_COOKIE } from '../allocator/sticky.ts';
import type { FailureKind } from '../fallback/outcome.ts';
import { F } from '../http1/fields.ts';
import { BODY_CHUNKED, BODY_CLOSE, BODY_LENGTH, type RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { Cluster } from '../migration/model.ts';
import type { AttemptNote } from '../status/request-record.ts';
import { type AnswerLines, writeAnswerHead, writeInterimHead } from './answer-head.ts';
import type { RelayState } from './answer-relay.ts';
import type { ClientConnection } from './client-connection.ts';
import { Deadline, type Expiring } from './deadlines.ts';
import {
  type ErrorAnswer,
  LOOP_DETECTED,
  UPSTREAM_INVALID,
  UPSTREAM_TIMEOUT,
  UPSTREAM_UNREACHABLE,
} from './error-answer.ts';
import { clientOf, hasPassed, isPrivate, isTrusted, schemeOf } from './forwarded.ts';
import type { PlaneContext } from './plane-context.ts';
import { prepareHead, writeRequestHead } from './request-head-writer.ts';
import { isRequestId } from './request-id.ts';
import { type NextAttempt, nextAttempt } from './retry-policy.ts';
import type { RoutedService } from './routed-table.ts';
import { Tunnel } from './tunnel.ts';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.ts';
import { FRESH_IDLE_MS, type UpstreamPool } from './upstream-pool.ts';

type Phase = 'connecting' | 'head' | 'body' | 'over';

const STICKY_COOKIE_DAYS = 30;
const STICKY_ATTRIBUTES = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${STICKY_COOKIE_DAYS * 86_400}`;

export class Exchange implements RequestFacts, UpstreamUser, Expiring {
  readonly head: RequestHead;
  readonly service: RoutedService;
  readonly id: string;
  readonly peerTrusted: boolean;
  readonly #plane: PlaneContext;
  readonly #client: ClientConnection;
  /** Where the field lines end in the head's buffer. */
  readonly #linesEnd: number;
  readonly #startedMs: number;
  readonly #deadline = new Deadline(this);
  #decision: Decision | null = null;
  #ip: IpAddress | null = null;
  #sticky = '';
  #phase: Phase = 'connecting';
  #cluster: Cluster = 'old';
  #upstream: UpstreamConnection | null = null;
  #attempts: AttemptNote[] = [];
  #attemptMs = 0;
  #attemptsLeft: number;
  #oldTried = false;
  #triedAddress: string | null = null;
  #addressesTried = 0;
  #sent = false;
  #received = false;
  /** This attempt's outcome has been told. */
  #told = false;
  #probe = false;
  #answerBegun = false;
  #status = 0;
  #partial: Buffer | null = null;
  #paused = false;
  #keepAliveSec = -1;
  #reusable = false;
  #eventStream = false;
  #closeClient = false;
  #recorded = false;

  /** `headBytes`: of the head, which stands at the start of its buffer. */
  constructor(
    plane: PlaneContext,
    client: ClientConnection,
    service: RoutedService,
    head: RequestHead,
    headBytes: number,
  ) {
    this.#plane = plane;
    this.#client = client;
    this.service = service;
    this.head = head;
    this.#linesEnd = headBytes - 2;
    this.#startedMs = plane.now();
    this.#attemptsLeft = service.migration.retryAttempts;
    this.peerTrusted = isTrusted(client.peer, service.trusted);
    const sent = this.peerTrusted ? head.header('x-request-id') : '';
    this.id = isRequestId(sent) ? sent : plane.ids.next();
  }

  // --- what the allocator may ask -------------------------------------------------------------------------------------

  header(name: string): string {
    return this.head.header(name);
  }

  cookie(name: string): string {
    return this.head.cookie(name);
  }

  clientIp(): IpAddress {
    this.#ip ??= clientOf(this.#client.peer, this.service.trusted, this.head);
    return this.#ip;
  }

  stickyId(): string {
    if (this.#sticky === '') {
      const sent = this.head.cookie(STICKY_COOKIE);
      this.#sticky = isStickyId(sent) ? sent : this.#plane.ids.next();
    }
    return this.#sticky;
  }

  requestId(): string {
    return this.id;
  }

  mayProbe(methods: 'replayable' | 'all'): boolean {
    return !this.service.live.probing && (methods === 'all' || this.head.replayable);
  }

  // --- the request ----------------------------------------------------------------------------------------------------

  /** What of the body came with the head has been given to `onBodyPiece` already, so that one write takes all. */
  start(): void {
    const { service, head } = this;
    prepareHead(head);
    if (hasPassed(head, this.#plane.instance)) return this.#answerError(LOOP_DETECTED);
    if (!this.peerTrusted && head.has(F.X_FORWARDED_FOR) && isPrivate(this.#client.peer)) {
      this.#plane.observer.untrustedForwarder(service.name, this.#client.peer.text);
    }
    const { live } = service;
    this.#decision = decide(service.compiled, live.run, this, live.spread);
    this.#cluster = this.#decision.cluster;
    if (this.#cluster === 'new' && live.run.state === 'probing' && live.run.admission === 'one') {
      live.probing = true;
      this.#probe = true;
    }
    this.#attempt('kept');
  }

  onBodyPiece(piece: Buffer): void {
    const { body } = this.#client;
    if (this.#phase === 'over') return;
    if (!this.#sent) {
      body.hold(piece);
      if (body.full) this.#client.pause();
      return;
    }
    const keep = this.head.replayable && this.#phase === 'head' ? 'keep' : 'forget';
    if (this.#upstream === null || body.sendPiece(this.#upstream, piece, keep)) return;
    this.#client.pause();
    if (this.#phase === 'head') this.#arm(this.service.migration.timeoutMs);
  }

  onBodyEnd(): void {
    this.#client.body.complete = true;
    if (!this.#sent || this.#upstream === null) return;
    this.#client.body.sendEnd(this.#upstream);
    if (this.#phase === 'head') this.#arm(this.service.migration.timeoutMs);
  }

  /** The body broke its framing, or stopped: the backend must never see it completed. */
  onBodyBroken(error: ErrorAnswer): void {
    this.#dropUpstream();
    this.#plane.observer.refused(error.code);
    if (this.#answerBegun) this.#client.destroy();
    else this.#client.refuse(error, '', this.service.name, this.id, this.head.method);
    this.#recorded = true;
    this.#over();
  }

  /** The client is gone: no outcome of any cluster. */
  onClientGone(): void {
    if (this.#phase === 'over') return;
    this.#dropUpstream();
    this.#status = 0;
    this.#record('answered');
    this.#over();
  }

  // --- attempts -------------------------------------------------------------------------------------------------------

  #attempt(connection: 'kept' | 'fresh'): void {
    const plane = this.#plane;
    const nowMs = plane.now();
    this.#attemptMs = nowMs;
    this.#sent = false;
    this.#received = false;
    this.#told = false;
    this.#partial = null;
    this.#paused = false;
    const pool = this.#pool();
    if (this.#cluster === 'old') this.#oldTried = true;
    if (connection === 'kept') {
      const mayResend = this.head.replayable && this.#attemptsLeft > 0;
      this.#upstream = pool.take(this, mayResend ? Number.POSITIVE_INFINITY : FRESH_IDLE_MS, nowMs);
      if (this.#upstream !== null) return this.#send();
    }
    this.#phase = 'connecting';
    this.#arm(this.service.migration.connectTimeoutMs);
    const known = pool.addresses();
    if (known !== null) return this.#dial(pool, known);
    const current = (): boolean => this.#phase === 'connecting' && this.#attemptMs === nowMs && this.#upstream === null;
    pool.resolve().then(
      (addresses) => {
        if (current()) this.#dial(pool, addresses);
      },
      (error: Error) => {
        if (current()) this.#failed('dns', error.message);
      },
    );
  }

  #pool(): UpstreamPool {
    return this.#cluster === 'new' ? this.service.new : this.service.old;
  }

  #dial(pool: UpstreamPool, addresses: readonly string[]): void {
    const address = pool.nextAddress(addresses, this.#triedAddress) ?? (addresses[0] as string);
    this.#triedAddress = address;
    this.#addressesTried += 1;
    this.#upstream = pool.connect(address, this);
  }

  onConnected(): void {
    if (this.#phase === 'connecting') this.#send();
  }

  #send(): void {
    const { head, service } = this;
    const client = this.#client;
    const { body } = client;
    const upstream = this.#upstream as UpstreamConnection;
    const { scratch } = this.#plane;
    this.#phase = 'head';
    this.#sent = true;
    const length = writeRequestHead(
      head,
      {
        linesEnd: this.#linesEnd,
        cluster: this.#cluster,
        newHost: service.migration.new.host,
        peer: client.peer.text,
        trusted: this.peerTrusted,
        requestId: this.id,
        instance: this.#plane.instance,
        expect: body.complete || this.#attempts.length > 0 ? 'drop' : 'keep',
      },
      scratch.buf,
    );
    const more = body.sendWithHead(upstream, scratch, length);
    if (!head.replayable) body.release();
    if (more) client.resume();
    else client.pause();
    if (body.complete || !more) this.#arm(service.migration.timeoutMs);
    else this.#plane.deadlines.disarm(this.#deadline);
  }

  onUpstreamDrain(): void {
    this.#client.resume();
    if (this.#phase === 'head' && !this.#client.body.complete) this.#plane.deadlines.disarm(this.#deadline);
  }

  onUpstreamFailed(kind: FailureKind, message: string): void {
    this.#failed(kind, message);
  }

  onUpstreamEnd(): void {
    if (this.#phase !== 'body') return this.#failed('reset', 'connection closed before an answer');
    if (this.#client.relay.close(this.#plane.scratch) === 'done') {
      this.#reusable = false;
      this.#finish('clean');
    } else this.#failed('truncated', 'connection closed in the middle of an answer');
  }

  onDeadline(): void {
    const { connectTimeoutMs, timeoutMs } = this.service.migration;
    if (this.#phase === 'connecting') this.#failed('timeout', `no connection within ${connectTimeoutMs} ms`);
    else if (this.#phase === 'head') this.#failed('timeout', `no answer within ${timeoutMs} ms`);
    else if (this.#eventStream) this.#cut();
    else this.#failed('timeout', `answer stalled for ${timeoutMs} ms`);
  }

  #failed(kind: FailureKind, message: string): void {
    if (this.#phase === 'over') return;
    const upstream = this.#upstream;
    const stale = upstream !== null && upstream.served > 0 && !this.#received && kind === 'reset';
    this.#dropUpstream();
    if (this.#phase === 'body') {
      this.#tell(kind === 'timeout' ? 'timeout' : 'truncated', message);
      return this.#cut();
    }
    if (stale) {
      this.#note(kind, `kept connection: ${message}`);
      this.#freeProbe();
    } else this.#tell(kind, message);
    const next = this.#next(kind, stale);
    if (next !== 'none') return this.#go(next);
    if (kind === 'timeout') this.#answerError(UPSTREAM_TIMEOUT);
    else if (kind === 'dns' || kind === 'connect' || kind === 'tls') this.#answerError(UPSTREAM_UNREACHABLE);
    else this.#answerError(UPSTREAM_INVALID);
  }

  #next(failure: FailureKind, staleConnection: boolean): NextAttempt {
    const addresses = this.#pool().addresses();
    return nextAttempt(
      { cluster: this.#cluster, failure, staleConnection, sent: this.#sent },
      {
        replayable: this.head.replayable,
        bodyHeld: this.#client.body.held,
        answerBegun: this.#answerBegun,
        attemptsLeft: this.#attemptsLeft,
        oldToCome: this.#cluster === 'new' && this.service.migration.fallback.enabled && !this.#oldTried,
        otherAddress: this.#addressesTried === 1 && addresses !== null && addresses.length > 1,
      },
    );
  }

  #go(next: Exclude<NextAttempt, 'none'>): void {
    this.#attemptsLeft -= 1;
    if (next === 'old') {
      this.#cluster = 'old';
      this.#triedAddress = null;
      this.#addressesTried = 0;
    }
    this.#attempt(next === 'old' ? 'kept' : 'fresh');
  }

  // --- the answer -----------------------------------------------------------------------------------------------------

  onUpstreamData(buf: Buffer, length: number): boolean {
    this.#received = true;
    if (this.#phase === 'body') {
      return this.#relayed(this.#client.relay.push(buf, 0, length, this.#plane.scratch, 0), length);
    }
    if (this.#phase !== 'head') return false;
    if (this.#partial === null) return this.#readHead(buf, length);
    const whole = Buffer.concat([this.#partial, buf.subarray(0, length)]);
    this.#partial = null;
    return this.#readHead(whole, whole.length);
  }

  #readHead(buf: Buffer, length: number): boolean {
    const answer = this.#plane.responseHead;
    let pos = 0;
    for (;;) {
      const size = answer.parse(buf, pos, length, this.head.isHead);
      if (size === 0) {
        // The read buffer is about to be filled again.
        this.#partial = Buffer.from(buf.subarray(pos, length));
        return true;
      }
      if (size < 0) {
        this.#failed('invalid_response', answer.problem);
        return false;
      }
      pos += size;
      if (answer.status >= 200) return this.#answer(answer, buf, pos, length);
      if (answer.status === 101) return this.#switchProtocols(answer, buf, pos, length);
      this.#passInterim(answer, pos);
    }
  }

  /** 100 only to those who asked for it (RFC 9110 section 10.1.1); none to HTTP/1.0. */
  #passInterim(answer: ResponseHead, headEnd: number): void {
    if (this.head.minor === 0 || (answer.status === 100 && !this.head.expectContinue)) return;
    this.#answerBegun = true;
    const { scratch } = this.#plane;
    scratch.send(this.#client.socket, writeInterimHead(answer, headEnd - 2, '', scratch.buf), 'lend');
  }

  #switchProtocols(answer: ResponseHead, buf: Buffer, pos: number, length: number): boolean {
    const client = this.#client;
    if (!this.head.upgrade || !client.body.complete) {
      this.#failed('invalid_response', '101 that nobody asked for');
      return false;
    }
    const { scratch } = this.#plane;
    const upgrade = answer.header('upgrade');
    scratch.send(client.socket, writeInterimHead(answer, pos - 2, upgrade, scratch.buf), 'lend');
    this.#status = 101;
    this.#tell(null, '');
    this.#record('answered');
    const upstream = this.#upstream as UpstreamConnection;
    this.#upstream = null;
    this.#over();
    const tunnel = new Tunnel(this.#plane, client, upstream, this.service.migration.streamIdleTimeoutMs);
    return tunnel.begin(buf, pos, length);
  }

  #answer(answer: ResponseHead, buf: Buffer, pos: number, length: number): boolean {
    const { migration } = this.service;
    const client = this.#client;
    this.#status = answer.status;
    this.#keepAliveSec = answer.keepAliveTimeoutSec;
    this.#reusable = answer.keepAlive && answer.body !== BODY_CLOSE;
    if (this.#cluster === 'new' && answer.status >= 400 && migration.fallback.failureStatuses.includes(answer.status)) {
      this.#tell('status', `status ${answer.status}`);
      const next = this.#next('status', false);
      if (next !== 'none') {
        const whole = answer.body === BODY_LENGTH && answer.contentLength === length - pos;
        this.#release(whole && this.#reusable && client.body.complete);
        this.#go(next);
        return true;
      }
    }
    const unframed = answer.body === BODY_CHUNKED || answer.body === BODY_CLOSE;
    const untilClose = unframed && this.head.minor === 0;
    this.#closeClient = untilClose || !this.head.keepAlive || this.#plane.draining || !client.body.complete;
    this.#eventStream = answer.eventStream;
    this.#answerBegun = true;
    this.#phase = 'body';
    client.relay.begin(answer.body, answer.contentLength, this.head.minor === 0 ? 'plain' : 'chunked');
    const { scratch } = this.#plane;
    const ready = writeAnswerHead(answer, pos - 2, this.#lines(answer, unframed), scratch.buf);
    if (this.#eventStream) {
      this.#tell(null, '');
      this.#record('answered');
    }
    return this.#relayed(client.relay.push(buf, pos, length, scratch, ready), length);
  }

  #lines(answer: ResponseHead, unframed: boolean): AnswerLines {
    const { migration } = this.service;
    const { head } = this;
    const chunked = unframed && head.minor === 1;
    const renames = this.#cluster === 'new' && namesHosts(answer);
    return {
      requestId: this.id,
      renaming: renames
        ? {
            newHost: migration.new.host,
            newProtocol: migration.new.protocol,
            clientAuthority: head.buf.toString('latin1', head.authorityStart, head.authorityEnd),
            clientHost: head.host,
            clientScheme: schemeOf(head, this.peerTrusted),
          }
        : null,
      own: this.#ownLines('answered'),
      exposed: migration.exposeDecision,
      framing: chunked ? 'chunked' : unframed ? 'until_close' : 'as_sent',
      connection: this.#closeClient ? 'close' : head.minor === 0 ? 'keep-alive' : 'default',
    };
  }

  #ownLines(kind: 'answered' | 'error'): string {
    const { migration } = this.service;
    let lines = '';
    if (migration.exposeDecision && this.#decision !== null) {
      if (kind === 'answered') lines = `X-Migration-Cluster: ${this.#cluster}\r\n`;
      lines += `X-Migration-Reason: ${this.#decision.reason}\r\n`;
    }
    if (
      kind === 'answered' &&
      this.service.compiled.sticky &&
      migration.enabled &&
      this.stickyId() !== this.head.cookie(STICKY_COOKIE)
    ) {
      lines += `Set-Cookie: ${STICKY_COOKIE}=${this.stickyId()}; ${STICKY_ATTRIBUTES}\r\n`;
    }
    return lines;
  }

  #relayed(state: RelayState, length: number): boolean {
    const { deadlines } = this.#plane;
    switch (state) {
      case 'more':
        this.#arm(this.#eventStream ? this.service.migration.streamIdleTimeoutMs : this.service.migration.timeoutMs);
        return true;
      case 'wait':
        deadlines.disarm(this.#deadline);
        this.#paused = true;
        this.#client.waitForDrain();
        return false;
      case 'broken':
        this.#failed('invalid_response', 'broken chunk');
        return false;
      case 'done':
        return this.#finish(this.#client.relay.end < length ? 'more_than_asked' : 'clean');
    }
  }

  /** What was written to the client has left: read on. */
  onClientDrained(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#phase !== 'body') return;
    this.#arm(this.#eventStream ? this.service.migration.streamIdleTimeoutMs : this.service.migration.timeoutMs);
    this.#upstream?.resume();
  }

  /** Returns whether the connection may read on. */
  #finish(ending: 'clean' | 'more_than_asked'): boolean {
    const { relay, body } = this.#client;
    if (!this.#told) this.#tell(null, '');
    const reusable = ending === 'clean' && this.#reusable && body.complete;
    const lent = relay.lent;
    if (lent && reusable) this.#park();
    else this.#release(reusable);
    this.#record('answered');
    this.#over();
    this.#client.exchangeDone(this.#closeClient ? 'close' : 'keep');
    return !lent;
  }

  /** The connection's buffer is still being sent from: it may serve again only when that is over. */
  #park(): void {
    const upstream = this.#upstream as UpstreamConnection;
    const pool = this.#pool();
    const keepAliveSec = this.#keepAliveSec;
    this.#upstream = null;
    upstream.user = null;
    this.#client.socket.write('', () => {
      pool.give(upstream, keepAliveSec, this.#plane.now());
      upstream.resume();
    });
  }

  #release(reusable: boolean): void {
    const upstream = this.#upstream;
    this.#upstream = null;
    if (upstream === null) return;
    if (reusable) this.#pool().give(upstream, this.#keepAliveSec, this.#plane.now());
    else upstream.destroy();
  }

  #dropUpstream(): void {
    this.#upstream?.destroy();
    this.#upstream = null;
  }

  // --- what is told ---------------------------------------------------------------------------------------------------

  /** This attempt's outcome, once; before anything that follows from it. */
  #tell(failure: FailureKind | null, message: string): void {
    if (this.#told) return;
    this.#told = true;
    const endedMs = this.#note(failure, message);
    const probe = this.#probe && this.#cluster === 'new';
    if (this.#cluster === 'new') this.#freeProbe();
    this.#plane.observer.attempt({
      service: this.service.name,
      cluster: this.#cluster,
      startedMs: this.#attemptMs,
      endedMs,
      status: failure === null || failure === 'status' ? this.#status : 0,
      failure,
      message,
      probe,
    });
  }

  #note(failure: FailureKind | null, message: string): number {
    const endedMs = this.#plane.now();
    this.#attempts.push({ cluster: this.#cluster, failure, message, durationMs: endedMs - this.#attemptMs });
    return endedMs;
  }

  #freeProbe(): void {
    if (!this.#probe) return;
    this.#probe = false;
    this.service.live.probing = false;
  }

  #record(kind: 'answered' | 'error'): void {
    if (this.#recorded) return;
    this.#recorded = true;
    this.#plane.observer.request({
      service: this.service.name,
      cluster: this.#cluster,
      reason: this.#decision?.reason ?? 'default',
      status: this.#status,
      answered: kind === 'answered',
      attempts: this.#attempts,
      startedMs: this.#startedMs,
      endedMs: this.#plane.now(),
      requestId: this.id,
      method: this.head.method,
    });
  }

  // --- endings --------------------------------------------------------------------------------------------------------

  #answerError(error: ErrorAnswer): void {
    const client = this.#client;
    this.#status = error.status;
    this.#answerBegun = true;
    const keep = this.head.keepAlive && client.body.complete && !this.#plane.draining;
    this.#record('error');
    this.#over();
    if (keep) client.answer(error, this.#ownLines('error'), this.service.name, this.id, this.head.method);
    else client.refuse(error, this.#ownLines('error'), this.service.name, this.id, this.head.method);
  }

  /** An answer that cannot be completed: the client must see that, so its connection goes. */
  #cut(): void {
    this.#dropUpstream();
    this.#record('answered');
    this.#over();
    this.#client.destroy();
  }

  #over(): void {
    this.#phase = 'over';
    this.#freeProbe();
    this.#plane.deadlines.disarm(this.#deadline);
  }

  #arm(durationMs: number): void {
    this.#plane.deadlines.arm(this.#deadline, durationMs, this.#plane.now());
  }
}

function namesHosts(answer: ResponseHead): boolean {
  const { id, count } = answer;
  for (let i = 0; i < count; i++) if ((id[i] as number) >= F.LOCATION && (id[i] as number) <= F.SET_COOKIE) return true;
  return false;
}
