/**
 * The log of `run`, on standard error: JSON lines for machines, or short lines for a person at a terminal. A reader that stands
 * still never makes traffic wait: lines gather up to a limit, and beyond it they are lost.
 */
import { pino } from 'pino';
import type { Log } from '../controller/log.ts';
import { type Paint, painter, plain, type Style } from './streams.ts';

const WAITING_LIMIT_BYTES = 1024 * 1024;

export function createLog(level: string, stream: NodeJS.WriteStream): Log {
  const write = (text: string): void => {
    if (stream.writableLength < WAITING_LIMIT_BYTES) stream.write(text);
  };
  if (stream.isTTY) {
    const paint = painter(stream, process.env);
    return pino({ level, base: null }, { write: (line) => write(`${readable(line, paint)}\n`) });
  }
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, { write });
}

const LEVELS: Readonly<Record<number, readonly [Style, string]>> = {
  20: ['dim', 'debug'],
  30: ['green', 'info '],
  40: ['yellow', 'warn '],
  50: ['red', 'error'],
};

/** `12:30:01 warn  m.yaml:3:9: ...`, and the stack of an exception below. */
function readable(line: string, paint: Paint): string {
  const { level, time, msg, err } = JSON.parse(line) as {
    readonly level: number;
    readonly time: number;
    readonly msg: string;
    readonly err?: { readonly stack?: string };
  };
  const [style, word] = LEVELS[level] ?? ['reset', String(level)];
  const clock = new Date(time).toTimeString().slice(0, 8);
  const text = `${paint('dim', clock)} ${paint(style, word)} ${plain(msg)}`;
  return err?.stack === undefined ? text : `${text}\n${err.stack}`;
}
