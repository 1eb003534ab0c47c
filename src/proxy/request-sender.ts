/**
 * A request as it leaves for a backend, attempt by attempt: head, what of the body is held, then the rest as it comes.
 * Knows whether anything of the present attempt may have left, which decides what may follow a failure.
 */
import type { RequestHead } from '../http1/request-head.ts';
import type { Cluster } from '../migration/model.ts';
import type { PlaneContext } from './plane-context.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestContext } from './request-context.ts';
import { prepareHead, writeRequestHead } from './request-head-writer.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

export class RequestSender {
  /** Of the present attempt: some of the request may have left. */
  sent = false;
  readonly #plane: PlaneContext;
  readonly #context: RequestContext;
  readonly #head: RequestHead;
  readonly #body: RequestBody;
  /** Where the field lines end in the head's buffer. */
  readonly #linesEnd: number;

  /** `headBytes`: of the head, which stands at the start of its buffer. */
  constructor(plane: PlaneContext, context: RequestContext, body: RequestBody, headBytes: number) {
    this.#plane = plane;
    this.#context = context;
    this.#head = context.head;
    this.#body = body;
    this.#linesEnd = headBytes - 2;
    prepareHead(context.head);
  }

  /** Another attempt begins. */
  reset(): void {
    this.sent = false;
  }

  /** Head and held body, in one write where they are small. False: the backend takes no more just now. */
  send(upstream: UpstreamConnection, cluster: Cluster): boolean {
    const { scratch, instance } = this.#plane;
    const { service, trusted, id, peer } = this.#context;
    const body = this.#body;
    this.sent = true;
    const lines = {
      linesEnd: this.#linesEnd,
      cluster,
      newHost: service.migration.new.host,
      peer: peer.text,
      trusted,
      requestId: id,
      instance,
      expect: body.complete ? ('drop' as const) : ('keep' as const),
    };
    const more = body.sendWithHead(upstream, scratch, writeRequestHead(this.#head, lines, scratch.buf));
    if (!this.#head.replayable) body.release();
    return more;
  }

  /** A further piece of the body. `last`: no other attempt can follow any more. */
  sendPiece(upstream: UpstreamConnection, piece: Buffer, attempt: 'replaceable' | 'last'): boolean {
    const keep = this.#head.replayable && attempt === 'replaceable' ? 'keep' : 'forget';
    return this.#body.sendPiece(upstream, piece, keep);
  }
}
