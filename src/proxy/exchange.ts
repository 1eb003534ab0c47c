/**
 * One request from its head to the end of its answer: decided once, sent, and sent again elsewhere where that is safe.
 * It owns the order of things; bytes are read and written by its parts.
 */
import type { FailureKind } from '../fallback/outcome.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { Answer, type Answered } from './answer.ts';
import { AttemptLimit } from './attempt-limit.ts';
import { AttemptPlan } from './attempt-plan.ts';
import type { Client } from './client.ts';
import type { Expiring } from './deadlines.ts';
import { type ErrorAnswer, LOOP_DETECTED, upstreamError } from './error-answer.ts';
import { hasPassed } from './forwarded.ts';
import type { PlaneContext } from './plane-context.ts';
import { RequestContext } from './request-context.ts';
import { RequestReport } from './request-report.ts';
import { RequestSender } from './request-sender.ts';
import type { NextAttempt } from './retry-policy.ts';
import type { RoutedService } from './routed-table.ts';
import { Tunnel } from './tunnel.ts';
import type { Blame, UpstreamConnection, UpstreamUser } from './upstream-connection.ts';
import { UpstreamLease } from './upstream-lease.ts';

type Phase = 'connecting' | 'sent' | 'answering' | 'over';

export class Exchange implements UpstreamUser, Answered, Expiring {
  readonly #plane: PlaneContext;
  readonly #client: Client;
  readonly #context: RequestContext;
  readonly #report: RequestReport;
  readonly #answer: Answer;
  readonly #limit: AttemptLimit;
  readonly #sender: RequestSender;
  readonly #plan: AttemptPlan;
  readonly #upstream = new UpstreamLease(this);
  #phase: Phase = 'connecting';
  #blocked = false;

  /** `headBytes`: of the head, which stands at the start of its buffer. */
  constructor(plane: PlaneContext, client: Client, service: RoutedService, head: RequestHead, headBytes: number) {
    this.#plane = plane;
    this.#client = client;
    this.#context = new RequestContext(head, service, client.peer, plane.ids);
    this.#report = new RequestReport(plane, this.#context);
    this.#answer = new Answer(plane, client, this.#context, this);
    this.#sender = new RequestSender(plane, this.#context, client.body, headBytes);
    const parts = { sender: this.#sender, body: client.body, answer: this.#answer, lease: this.#upstream };
    this.#plan = new AttemptPlan(this.#context, parts);
    this.#limit = new AttemptLimit(plane, service.migration, this);
  }

  // --- the request, from the client's connection ----------------------------------------------------------------------

  /** What of the body came with the head has been given to `onBodyPiece` already, so that one write takes all. */
  start(): void {
    const { head, service } = this.#context;
    if (hasPassed(head, this.#plane.instance)) return this.#answerError(LOOP_DETECTED);
    if (this.#context.forwardedInVain) this.#plane.observer.untrustedForwarder(service.name, this.#client.peer.text);
    if (this.#plan.decide()) this.#report.takeProbeSlot();
    this.#attempt('kept');
  }

  onBodyPiece(piece: Buffer): void {
    const { body } = this.#client;
    if (this.#phase === 'over') return;
    if (!this.#sender.sent) {
      body.hold(piece);
      if (body.full) this.#client.pace.pause();
      return;
    }
    const { connection } = this.#upstream;
    if (connection === null) return;
    if (this.#sender.sendPiece(connection, piece, this.#phase === 'sent' ? 'replaceable' : 'last')) return;
    this.#client.pace.pause();
    if (this.#phase === 'sent') this.#limit.forAnswer();
  }

  onBodyEnd(): void {
    this.#client.body.complete = true;
    const { connection } = this.#upstream;
    if (!this.#sender.sent || connection === null) return;
    this.#client.body.sendEnd(connection);
    if (this.#phase === 'sent') this.#limit.forAnswer();
  }

  /** The body broke its framing, or stopped: the backend must never see it completed. */
  onBodyBroken(error: ErrorAnswer): void {
    this.#upstream.drop();
    this.#plane.observer.refused(error.code);
    this.#report.skipRecord();
    this.#over();
    if (this.#answer.begun) this.#client.destroy();
    else this.#client.answer(error, '', this.#context, 'close');
  }

  /** The client is gone: no outcome of any cluster. */
  onClientGone(): void {
    if (this.#phase === 'over') return;
    this.#upstream.drop();
    this.#over();
    this.#report.record(this.#plan.decision, 0, false);
  }

  onFault(error: unknown): void {
    this.#client.onFault(error);
  }

  /** What was written to the client has left. */
  onClientDrained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#phase !== 'answering') return;
    this.onAnswerProgress();
    this.#upstream.connection?.resume();
  }

  // --- attempts -------------------------------------------------------------------------------------------------------

  #attempt(connection: 'kept' | 'fresh'): void {
    const { pool, cluster, maxIdleMs } = this.#plan;
    const nowMs = this.#report.begin(cluster);
    this.#sender.reset();
    this.#answer.reset();
    if (connection === 'kept') {
      const kept = this.#upstream.take(pool, maxIdleMs, nowMs);
      if (kept !== null) return this.#send(kept);
    }
    this.#phase = 'connecting';
    this.#limit.forConnection();
    this.#upstream.open(pool);
  }

  onConnected(): void {
    const { connection } = this.#upstream;
    if (this.#phase === 'connecting' && connection !== null) this.#send(connection);
  }

  #send(upstream: UpstreamConnection): void {
    this.#phase = 'sent';
    const more = this.#sender.send(upstream, this.#plan.cluster);
    if (more) this.#client.pace.resume();
    else this.#client.pace.pause();
    // While the client still owes its body, its own limit runs; ours only when the backend takes no more.
    if (this.#client.body.complete || !more) this.#limit.forAnswer();
    else this.#limit.stop();
  }

  onUpstreamDrain(): void {
    this.#client.pace.resume();
    if (this.#phase === 'sent' && !this.#client.body.complete) this.#limit.stop();
  }

  onUpstreamData(buf: Buffer, length: number): boolean {
    return this.#phase === 'sent' || this.#phase === 'answering' ? this.#answer.onData(buf, length) : false;
  }

  onUpstreamEnd(): void {
    if (this.#phase === 'over' || this.#answer.onEnd()) return;
    const begun = this.#phase === 'answering' || this.#answer.isKeptBack;
    this.#failed('reset', begun ? 'closed in the middle of an answer' : 'closed before an answer');
  }

  onUpstreamFailed(kind: FailureKind, message: string, blame: Blame): void {
    this.#failed(kind, message, blame);
  }

  onDeadline(): void {
    this.#failed('timeout', this.#limit.expired);
  }

  #failed(kind: FailureKind, message: string, blame: Blame = 'cluster'): void {
    if (this.#phase === 'over') return;
    const stale = kind === 'reset' && !this.#answer.received && (this.#upstream.connection?.served ?? 0) > 0;
    this.#upstream.drop();
    if (this.#phase === 'answering') {
      this.#report.tell(kind === 'timeout' ? 'timeout' : 'truncated', message, 0);
      return this.#cut();
    }
    const failure = kind === 'reset' && this.#answer.isKeptBack ? 'truncated' : kind;
    if (stale) this.#report.note(failure, `kept connection: ${message}`);
    else if (blame === 'ourselves') this.#report.note(failure, message);
    else this.#report.tell(failure, message, 0);
    const next = this.#plan.next(failure, stale ? 'stale' : 'sound');
    if (next !== 'none') return this.#go(next);
    this.#answerError(upstreamError(kind));
  }

  #go(next: Exclude<NextAttempt, 'none'>): void {
    this.#plan.use(next);
    if (next !== 'old') return this.#attempt('fresh');
    this.#report.freeProbeSlot();
    this.#upstream.forget();
    this.#attempt('kept');
  }

  // --- the answer -----------------------------------------------------------------------------------------------------

  onAnswerHead(answer: Answer, whole: boolean): boolean {
    const { status } = answer;
    if (this.#plan.isFailure(status)) {
      const nowMs = this.#report.tell('status', `status ${status}`, status);
      const next = this.#plan.next('status', 'sound');
      if (next !== 'none') {
        this.#release(whole && answer.reusable && this.#client.body.complete, nowMs);
        this.#go(next);
        return true;
      }
    }
    this.#phase = 'answering';
    // Streams count at their head: how they end says nothing of the cluster.
    if (answer.eventStream) {
      this.#report.tell(null, '', status);
      this.#report.record(this.#plan.decision, status, true);
    }
    return false;
  }

  couldBeReplaced(status: number): boolean {
    return !this.#plan.isFailure(status) && this.#plan.next('truncated', 'sound') !== 'none';
  }

  answerLines(): { readonly own: string; readonly renames: boolean } {
    const { decision, cluster } = this.#plan;
    return { own: this.#context.ownLines(decision, cluster), renames: cluster === 'new' };
  }

  onAnswerProgress(): void {
    this.#limit.forBody(this.#answer.eventStream ? 'event_stream' : 'ordinary');
  }

  onAnswerBlocked(): void {
    this.#limit.stop();
    this.#blocked = true;
    this.#client.pace.forDrain();
  }

  onAnswerBroken(kind: FailureKind, message: string): void {
    this.#failed(kind, message);
  }

  onSwitchedProtocols(buf: Buffer, pos: number, end: number): boolean {
    const upstream = this.#upstream.handOver();
    this.#report.tell(null, '', 101);
    this.#report.record(this.#plan.decision, 101, true);
    this.#over();
    const { streamIdleTimeoutMs } = this.#context.service.migration;
    return new Tunnel(this.#plane, this.#client, upstream, streamIdleTimeoutMs).begin(buf, pos, end);
  }

  onAnswerEnd(ending: 'clean' | 'more_than_asked'): boolean {
    const { status, reusable, closesClient } = this.#answer;
    const endedMs = this.#report.tell(null, '', status);
    const { relay, body } = this.#client;
    const keep = ending === 'clean' && reusable && body.complete;
    const { lent } = relay;
    // Its buffer is still being sent from: it may serve again only when that is over.
    if (lent && keep) this.#upstream.giveWhenSent(this.#client.socket, this.#answer.keepAliveSec, this.#plane.now);
    else this.#release(keep, endedMs);
    this.#report.record(this.#plan.decision, status, true, endedMs);
    this.#over();
    this.#client.exchangeDone(closesClient ? 'close' : 'keep');
    return !lent;
  }

  #release(reusable: boolean, nowMs: number): void {
    if (reusable) this.#upstream.give(this.#answer.keepAliveSec, nowMs);
    else this.#upstream.drop();
  }

  // --- endings --------------------------------------------------------------------------------------------------------

  #answerError(error: ErrorAnswer): void {
    const client = this.#client;
    const keep = this.#context.head.keepAlive && client.body.complete && !this.#plane.draining;
    const own = this.#context.ownLines(this.#plan.decision, null);
    this.#report.record(this.#plan.decision, error.status, false);
    this.#over();
    client.answer(error, own, this.#context, keep ? 'keep-alive' : 'close');
  }

  /** An answer that cannot be completed: the client must see that, so its connection goes. */
  #cut(): void {
    this.#report.record(this.#plan.decision, this.#answer.status, true);
    this.#over();
    this.#client.destroy();
  }

  #over(): void {
    this.#phase = 'over';
    this.#report.freeProbeSlot();
    this.#limit.stop();
  }
}
