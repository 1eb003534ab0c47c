/**
 * Whether a client is read from, and how long it is waited for. Reading stops while its body finds no taker, and while too
 * much was sent in advance. One time limit runs at a time: for what the client owes, be it bytes or room for ours, or none
 * while the backend is waited for.
 */
import type { Socket } from 'node:net';
import { Deadline, type Expiring } from './deadlines.ts';
import type { PlaneContext } from './plane-context.ts';

export class ClientPace {
  /** The client owes room for an answer: until `drained` that is what has its time limit. */
  sending = false;
  readonly #plane: PlaneContext;
  readonly #socket: Socket;
  readonly #body: { readonly open: boolean };
  readonly #deadline: Deadline;
  #bodyWaits = false;
  #ahead: 'room' | 'full' = 'room';
  #paused = false;

  /** `body` is open while more of the request's body is to come. */
  constructor(plane: PlaneContext, socket: Socket, body: { readonly open: boolean }, owner: Expiring) {
    this.#plane = plane;
    this.#socket = socket;
    this.#body = body;
    this.#deadline = new Deadline(owner);
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  /** No more of the body, or of the tunnel, until `resume`. */
  pause(): void {
    if (this.#bodyWaits) return;
    this.#bodyWaits = true;
    this.#settle();
    if (!this.sending) this.stop();
  }

  resume(): void {
    if (!this.#bodyWaits) return;
    this.#bodyWaits = false;
    this.#settle();
    this.forBody();
  }

  /** `full`: too much was sent in advance. */
  holdAhead(ahead: 'room' | 'full'): void {
    this.#ahead = ahead;
    this.#settle();
  }

  /** A request is over: its body is waited for no more. */
  forgetBody(): void {
    this.#bodyWaits = false;
    this.sending = false;
  }

  #settle(): void {
    const paused = this.#bodyWaits || this.#ahead === 'full';
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  // --- time limits ----------------------------------------------------------------------------------------------------

  forHead(): void {
    this.#arm(this.#plane.limits.headTimeoutMs);
  }

  forNextRequest(): void {
    this.#arm(this.#plane.limits.keepAliveMs);
  }

  /** Between two pieces of a body, unless something else is waited for. */
  forBody(): void {
    if (this.#body.open && !this.#bodyWaits && !this.sending) this.#arm(this.#plane.limits.bodyTimeoutMs);
  }

  /** Until what was written has left. */
  forDrain(): void {
    this.sending = true;
    this.#arm(this.#plane.limits.sendTimeoutMs);
  }

  drained(): void {
    if (!this.sending) return;
    this.sending = false;
    this.stop();
    this.forBody();
  }

  /** Of a connection that was ended: until the last answer has left, and a while for the client to read it and go. */
  forGoodbye(): void {
    const { lingerMs, sendTimeoutMs } = this.#plane.limits;
    this.#arm(this.#socket.writableFinished ? lingerMs : sendTimeoutMs);
  }

  stop(): void {
    this.#plane.deadlines.disarm(this.#deadline);
  }

  #arm(durationMs: number): void {
    this.#plane.deadlines.arm(this.#deadline, durationMs, this.#plane.now());
  }
}
