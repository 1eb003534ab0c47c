/**
 * A line of outcome.log with details: everything nginx knows of a request, its attempts one by one.
 * In: the line's text. Out: facts, or null for a line that is none. Knows the form of nginx's `$upstream_*` variables (attempts
 * of one location are separated by `, `, those of different ones by ` : `), and nothing of what they mean.
 */
import { type Decided, parseDecided } from './decided.ts';

export interface FullLine {
  /** Epoch ms of the machine's clock. */
  readonly endMs: number;
  readonly connection: number;
  readonly decided: Decided;
  /** Sent to the client; 499: it went away. 9: an answer without a head (HTTP/0.9). */
  readonly status: number;
  readonly durationMs: number;
  readonly lane: string;
  readonly gate: string;
  /** How many of the last locations asked old although new had been decided, or old again. */
  readonly rescues: number;
  /** The answer went out whole. */
  readonly complete: boolean;
  readonly attempts: readonly LoggedAttempt[];
  readonly method: string;
  readonly requestId: string;
  /** Address of a private, untrusted peer that sent X-Forwarded-For; '' for none. */
  readonly vainPeer: string;
}

export interface LoggedAttempt {
  readonly address: string;
  /** Of the answer, or nginx's own 502 or 504. */
  readonly status: number;
  /** Times from the attempt's start; null: it did not get there. */
  readonly connectMs: number | null;
  readonly headMs: number | null;
  readonly durationMs: number;
  readonly receivedBytes: number;
  /** Number of the location that made it, from 0. */
  readonly place: number;
  /**
   * nginx itself asked the same address again, which it does only after a kept connection had gone. Where it went on to another
   * address a fresh one may have been reset as well: that counts, since nothing in the line tells them apart.
   */
  readonly repeated: boolean;
}

const FIELDS = 20;
const CLOCK = /^\d{10}\.\d{3}$/;
const SECONDS = /^\d+\.\d{3}$/;
const NUMBER = /^\d+$/;
const STATUS = /^\d{3}$/;

export function parseFullLine(text: string): FullLine | null {
  const fields = text.split('\t');
  if (fields.length !== FIELDS) return null;
  const [end, connection, service, decision, status, duration, lane, gate, trail, completion] = fields;
  const decided = parseDecided(`${service}\t${decision}`);
  if (decided === null || !CLOCK.test(end) || !NUMBER.test(connection)) return null;
  if (!STATUS.test(status) || !SECONDS.test(duration)) return null;
  const attempts = attemptsOf(fields.slice(10, 17));
  if (attempts === null) return null;
  return {
    endMs: milliseconds(end),
    connection: Number(connection),
    decided,
    status: Number(status),
    durationMs: milliseconds(duration),
    lane,
    gate,
    rescues: trail.length,
    complete: completion === 'OK',
    attempts,
    method: fields[17],
    requestId: fields[18],
    vainPeer: fields[19],
  };
}

/** `columns`: address, status, connect, header and response time, bytes sent and received. */
function attemptsOf(columns: readonly string[]): LoggedAttempt[] | null {
  const [addresses] = columns;
  if (addresses === '' || addresses === '-') return [];
  // Nearly always there is one.
  if (!addresses.includes(' ')) {
    return columns.some((column) => column.includes(' ')) ? null : [attemptOf(columns, 0, false)];
  }
  const places = columns.map((column) => column.split(' : ').map((place) => place.split(', ')));
  if (places.some((column) => column.length !== places[0].length)) return null;
  const attempts: LoggedAttempt[] = [];
  for (let place = 0; place < places[0].length; place++) {
    const count = places[0][place].length;
    if (places.some((column) => column[place].length !== count)) return null;
    for (let i = 0; i < count; i++) {
      const cells = places.map((column) => column[place][i]);
      const isStale = i < count - 1 && time(cells[2]) !== null && places[0][place][i + 1] === cells[0];
      attempts.push(attemptOf(cells, place, isStale));
    }
  }
  return attempts;
}

function attemptOf(cells: readonly string[], place: number, repeated: boolean): LoggedAttempt {
  return {
    address: cells[0],
    status: count(cells[1]),
    connectMs: time(cells[2]),
    headMs: time(cells[3]),
    durationMs: time(cells[4]) ?? 0,
    receivedBytes: count(cells[6]),
    place,
    repeated,
  };
}

/** 0 for what is no number, as `-`. */
function count(text: string): number {
  return Number(text) || 0;
}

/** Null for what is none, as `-`. */
function time(text: string): number | null {
  const ms = milliseconds(text);
  return text === '' || Number.isNaN(ms) ? null : ms;
}

function milliseconds(seconds: string): number {
  return Math.round(Number(seconds) * 1_000);
}
