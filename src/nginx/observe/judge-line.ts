/**
 * What one full line means in the words of the direct data plane: the outcome of each attempt, and the request's record or
 * the code under which it was refused. In: the line, the causes that error.log gave for its connection, the service's limits. Out: plain data,
 * with times of the machine's clock. Reads nothing.
 *
 * nginx logs a request when it is over. So a first attempt that failed is told with the end of the one that saved it, and a
 * tunnel or event stream, which counts at its head, with its end: their times are true, the telling is late.
 */
import type { FailureKind, Outcome } from '../../fallback/outcome.ts';
import type { Cluster, Migration } from '../../migration/model.ts';
import type { AttemptNote, RequestRecord } from '../../status/request-record.ts';
import type { FullLine, LoggedAttempt } from './full-line.ts';
import { refusalCode, refusesTheRequest } from './refusal-codes.ts';
import type { UpstreamError } from './upstream-error.ts';

/** What of a service is needed to judge its requests. */
export type ServiceFacts = Pick<Migration, 'fallback' | 'timeoutMs' | 'connectTimeoutMs'>;

export interface Causes {
  /** Why the next failed attempt of the line's connection failed; null: nobody said. */
  failure(): UpstreamError | null;
  /** Why its last answer broke off. */
  broken(): UpstreamError | null;
}

export interface Judged {
  readonly outcomes: readonly Outcome[];
  /** Null: refused, or nothing to tell. */
  readonly record: RequestRecord | null;
  readonly refused: string | null;
}

interface Verdict {
  /** False: the attempt is noted at most; it says nothing of the cluster. */
  readonly counts: boolean;
  readonly noted: boolean;
  readonly failure: FailureKind | null;
  readonly message: string;
}

const WENT_AWAY = 499;
/** nginx's status, too, for a client that went while it was still sending: then nobody was answered. */
const CUT_SHORT = 400;
const BODILESS: readonly string[] = ['', 'GET', 'HEAD', 'OPTIONS'];
/** nginx's words for an answer that began without a status line. */
const NO_STATUS = 9;
const SWITCHED = 101;
/** Said in place of a gate where the path could be another service's. */
const BAD_PATH = 'bad_path';
const ANSWERED: Verdict = { counts: true, noted: true, failure: null, message: '' };
export const HEADLESS = failure('invalid_response', 'answer has no status line');
const NOTHING: Judged = { outcomes: [], record: null, refused: null };
const LEFT: Verdict = { counts: false, noted: false, failure: null, message: '' };

export function judgeLine(line: FullLine, facts: ServiceFacts | null, causes: Causes): Judged {
  const { decided, status, attempts, endMs } = line;
  if (line.gate === BAD_PATH) return { outcomes: [], record: null, refused: BAD_PATH };
  if (isCutShort(line) && isNoRequest(line)) return NOTHING;
  if (decided.service === '') return { outcomes: [], record: null, refused: refusalCode(status) };
  const outcomes: Outcome[] = [];
  const notes: AttemptNote[] = [];
  const places = attempts.length === 0 ? 0 : attempts[attempts.length - 1].place + 1;
  let startedMs = endMs - attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0);
  let streamHeadMs: number | null = null;

  attempts.forEach((attempt, index) => {
    const cluster = attempt.place >= places - line.rescues ? 'old' : decided.cluster;
    const last = index === attempts.length - 1;
    const verdict = last
      ? lastVerdict(line, attempt, cluster, facts, causes)
      : earlierVerdict(attempt, cluster, facts, causes);
    const overMs = startedMs + attempt.durationMs;
    if (last && verdict.failure === null && verdict.counts && isStream(line)) {
      streamHeadMs = startedMs + (attempt.headMs ?? 0);
    }
    const endedMs = streamHeadMs ?? overMs;
    const { failure, message } = verdict;
    if (verdict.noted) notes.push({ cluster, failure, message, durationMs: endedMs - startedMs });
    if (verdict.counts) {
      outcomes.push({
        service: decided.service,
        cluster,
        startedMs,
        endedMs,
        status: failure === null || failure === 'status' ? attempt.status : 0,
        failure,
        message,
        probe: cluster === 'new' && line.gate === 'one',
      });
    }
    startedMs = overMs;
  });

  const final = attempts.at(-1);
  const answered = final !== undefined && hasHead(final) && (status === final.status || isHeadless(line));
  if (refusesTheRequest(status) && !answered && !isCutShort(line))
    return { outcomes, record: null, refused: refusalCode(status) };
  return { outcomes, record: recordOf(line, notes, answered, streamHeadMs), refused: null };
}

function recordOf(
  line: FullLine,
  attempts: readonly AttemptNote[],
  answered: boolean,
  streamHeadMs: number | null,
): RequestRecord {
  const { decided, endMs } = line;
  const wentAway = line.status === WENT_AWAY && !(answered && line.complete);
  const left = wentAway || isCutShort(line) || (answered && leftHalfWay(line, attempts));
  const old = line.rescues > 0;
  const headless = isHeadless(line);
  const loop = line.lane === 'loop';
  return {
    service: decided.service,
    cluster: old || loop ? 'old' : decided.cluster,
    // A request that has been here before is never decided.
    reason: loop ? 'default' : decided.reason,
    status: left ? 0 : headless ? 502 : line.status,
    answered: answered && !left && !headless,
    attempts,
    startedMs: endMs - line.durationMs,
    endedMs: streamHeadMs ?? endMs,
    requestId: line.requestId,
    method: line.method,
  };
}

/** The client went while it was still sending. */
function isCutShort({ attempts, complete, status }: FullLine): boolean {
  return status === CUT_SHORT && !complete && !attempts.some(hasHead);
}

/** Of one that was cut short: what came of it was less than a head. The method alone can tell, where nothing was sent on. */
function isNoRequest({ attempts, decided, method }: FullLine): boolean {
  return decided.service === '' || (attempts.length === 0 && BODILESS.includes(method));
}

/** The answer did not go out whole, and its cluster was not to blame: its attempt was not noted. */
function leftHalfWay(line: FullLine, notes: readonly AttemptNote[]): boolean {
  return !line.complete && !isStream(line) && notes.length < line.attempts.length;
}

function earlierVerdict(attempt: LoggedAttempt, cluster: Cluster, facts: ServiceFacts | null, causes: Causes): Verdict {
  if (hasHead(attempt)) return statusVerdict(attempt.status, cluster, facts);
  const failed = failedVerdict(attempt, facts, causes.failure());
  if (!attempt.repeated || attempt.receivedBytes > 0) return failed;
  return { ...failed, counts: false, message: `kept connection: ${failed.message}` };
}

function lastVerdict(
  line: FullLine,
  attempt: LoggedAttempt,
  cluster: Cluster,
  facts: ServiceFacts | null,
  causes: Causes,
): Verdict {
  if (!hasHead(attempt)) {
    if (line.status === WENT_AWAY || refusesTheRequest(line.status)) return LEFT;
    return failedVerdict(attempt, facts, causes.failure());
  }
  if (isHeadless(line)) {
    causes.failure();
    return HEADLESS;
  }
  const broken = causes.broken();
  if (isStream(line)) return statusVerdict(attempt.status, cluster, facts);
  if (broken !== null) return brokenVerdict(broken, attempt.address, facts);
  const verdict = statusVerdict(attempt.status, cluster, facts);
  // A failure by its status was known at its head, whether the client waited for the rest or not.
  return line.complete || verdict.failure !== null ? verdict : LEFT;
}

/** How an answer broke off after its head. */
export function brokenVerdict(error: UpstreamError, address: string, facts: ServiceFacts | null): Verdict {
  if (error.kind === 'timeout') return failure('timeout', `answer stalled for ${facts?.timeoutMs ?? '?'} ms`);
  return failure('truncated', address === '' ? error.cause : `${error.cause} ${address}`);
}

/** By its status: one that counts as a failure fails the new cluster only. */
export function statusVerdict(status: number, cluster: Cluster, facts: ServiceFacts | null): Verdict {
  if (cluster === 'old' || status < 400 || facts === null) return ANSWERED;
  return facts.fallback.failureStatuses.includes(status) ? failure('status', `status ${status}`) : ANSWERED;
}

/** No usable answer. Without a word of error.log (it was lost, or the disk full) the numbers have to say it. */
function failedVerdict(attempt: LoggedAttempt, facts: ServiceFacts | null, error: UpstreamError | null): Verdict {
  const { address } = attempt;
  if (error?.kind === null) return { counts: false, noted: true, failure: 'connect', message: error.cause };
  if (error?.kind === 'timeout' || (error === null && attempt.status === 504)) {
    const connecting = error === null ? attempt.connectMs === null : error.stage === 'connect';
    if (connecting) return failure('timeout', `no connection within ${facts?.connectTimeoutMs ?? '?'} ms`);
    return failure('timeout', `no answer within ${facts?.timeoutMs ?? '?'} ms`);
  }
  if (error !== null) return failure(error.kind as FailureKind, `${error.cause} ${address}`);
  // 500 and the like are of nginx itself: it could not make the attempt.
  if (attempt.status !== 502) return { counts: false, noted: true, failure: 'connect', message: 'nginx: no attempt' };
  if (attempt.connectMs === null) return failure('connect', `connect failed ${address}`);
  if (attempt.receivedBytes === 0) return failure('reset', `closed before an answer ${address}`);
  return failure('invalid_response', `broken answer ${address}`);
}

function failure(kind: FailureKind, message: string): Verdict {
  return { counts: true, noted: true, failure: kind, message };
}

function hasHead(attempt: LoggedAttempt): boolean {
  return attempt.headMs !== null;
}

function isHeadless(line: FullLine): boolean {
  return line.status === NO_STATUS;
}

/** Counts at its head: how it ends says nothing of the cluster. */
function isStream(line: FullLine): boolean {
  return ['tunnel', 'tunnel_once', 'old_tunnel'].includes(line.lane) || line.status === SWITCHED;
}
