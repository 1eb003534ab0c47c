/**
 * Tells an observer what a line of outcome.log means. In: lines in time order, the causes that error.log gave. Out: calls of
 * the observer, with times of the data plane's clock. A brief line needs no judging: one attempt, answered, complete.
 */
import type { DataPlaneObserver } from '../../status/data-plane.ts';
import type { HeldLine } from './held-lines.ts';
import { brokenVerdict, type Causes, HEADLESS, judgeLine, type ServiceFacts, statusVerdict } from './judge-line.ts';
import type { PendingErrors } from './pending-errors.ts';
import { refusalCode } from './refusal-codes.ts';

export type FactsOf = (service: string) => ServiceFacts | null;

const SWITCHED = 101;
/** An answer without a head has 9: nginx took it for HTTP/0.9. */
const FIRST_STATUS = 100;

export class LineTeller {
  readonly #observer: DataPlaneObserver;
  readonly #factsOf: FactsOf;
  readonly #errors: PendingErrors;

  constructor(observer: DataPlaneObserver, factsOf: FactsOf, errors: PendingErrors) {
    this.#observer = observer;
    this.#factsOf = factsOf;
    this.#errors = errors;
  }

  /** `clockMs`: what the data plane's clock is ahead of the machine's. `isLast`: of its connection, as far as is known. */
  tell(line: HeldLine, clockMs: number, isLast: boolean): void {
    if (line.full === null) this.#tellBrief(line, clockMs, isLast);
    else this.#tellFull(line, clockMs, isLast);
  }

  #tellBrief(line: HeldLine, clockMs: number, isLast: boolean): void {
    const { connection, durationMs, status } = line;
    const { service, cluster, reason } = line.decided;
    const observer = this.#observer;
    if (service === '') return this.#refuse(refusalCode(status));
    const startedMs = line.endMs + clockMs - durationMs;
    // A tunnel counts at its head; this line does not say when that was, but soon.
    const endedMs = status === SWITCHED ? startedMs : line.endMs + clockMs;
    let verdict = status < 400 ? null : statusVerdict(status, cluster, this.#factsOf(service));
    let method = '';
    const headless = status < FIRST_STATUS;
    if (headless) {
      verdict = HEADLESS;
      this.#errors.takeFailure(connection);
    } else if (isLast && status !== SWITCHED) {
      const error = this.#errors.takeBreak(connection);
      if (error !== null) verdict = brokenVerdict(error, '', this.#factsOf(service));
      method = error?.method ?? '';
    }
    const failure = verdict === null ? null : verdict.failure;
    const message = verdict === null ? '' : verdict.message;
    observer.attempt({
      service,
      cluster,
      startedMs,
      endedMs,
      status: failure === null || failure === 'status' ? status : 0,
      failure,
      message,
      probe: false,
    });
    observer.request({
      service,
      cluster,
      reason,
      status: headless ? 502 : status,
      answered: !headless,
      attempts: [{ cluster, failure, message, durationMs: endedMs - startedMs }],
      startedMs,
      endedMs,
      requestId: '',
      method,
    });
  }

  #tellFull({ connection, full }: HeldLine, clockMs: number, isLast: boolean): void {
    if (full === null) return;
    const observer = this.#observer;
    const errors = this.#errors;
    const { service } = full.decided;
    if (full.vainPeer !== '' && service !== '') observer.untrustedForwarder(service, full.vainPeer);
    const causes: Causes = {
      failure: () => errors.takeFailure(connection),
      broken: () => (isLast ? errors.takeBreak(connection) : null),
    };
    const judged = judgeLine(full, this.#factsOf(service), causes);
    for (const outcome of judged.outcomes) {
      const { startedMs, endedMs } = outcome;
      observer.attempt({ ...outcome, startedMs: startedMs + clockMs, endedMs: endedMs + clockMs });
    }
    this.#refuse(judged.refused);
    if (judged.record === null) return;
    const { startedMs, endedMs } = judged.record;
    observer.request({ ...judged.record, startedMs: startedMs + clockMs, endedMs: endedMs + clockMs });
  }

  #refuse(code: string | null): void {
    if (code !== null) this.#observer.refused(code);
  }
}
