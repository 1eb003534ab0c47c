/**
 * The log of `run`, on standard error: JSON lines for machines, or short lines for a person at a terminal.
 */
import { pino } from 'pino';
import type { Log } from '../controller/log.ts';
import { type Paint, painter, plain, type Style } from './streams.ts';

export function createLog(level: string, stream: NodeJS.WriteStream): Log {
  if (!stream.isTTY) {
    const options = {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    };
    // Written at once: a line about the end must be out before the end.
    return pino(options, pino.destination({ dest: 2, sync: true }));
  }
  const paint = painter(stream, process.env);
  const lines = { write: (line: string) => void stream.write(`${readable(line, paint)}\n`) };
  return pino({ level, base: null }, lines);
}

const LEVELS: Readonly<Record<number, readonly [Style, string]>> = {
  20: ['dim', 'debug'],
  30: ['green', 'info '],
  40: ['yellow', 'warn '],
  50: ['red', 'error'],
};

/** `12:30:01 warn  m.yaml:3:9: ...`; what has no message shows its fields. */
function readable(line: string, paint: Paint): string {
  const { level, time, msg, err, ...fields } = JSON.parse(line) as {
    level: number;
    time: number;
    msg?: string;
    err?: { stack?: string };
  };
  const [style, word] = LEVELS[level] ?? ['reset', String(level)];
  const clock = new Date(time).toTimeString().slice(0, 8);
  const text = `${paint('dim', clock)} ${paint(style, word)} ${plain(msg ?? JSON.stringify(fields))}`;
  return err?.stack === undefined ? text : `${text}\n${err.stack}`;
}
