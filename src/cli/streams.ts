/**
 * Stdout and stderr of a command: data on one, all else on the other, colours only where a person looks and did not say no.
 * A reader that goes away (`status | head -1`) ends the command without a word.
 */
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];
/** Text in, the same text in that style out; or plain, where nobody can see colours. */
export type Paint = (style: Style, text: string) => string;

/** NO_COLOR with any value but the empty one turns colours off (no-color.org). */
export function painter(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  const coloured = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return coloured ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

export function stdoutPainter(): Paint {
  return painter(process.stdout, process.env);
}

/** Ends it with a line feed; of nothing nothing is printed. */
export function printData(text: string): void {
  if (text === '') return;
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printNote(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** To be set once, before anything is written. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
}

/** For a server: its traffic must outlive whoever read its output. */
export function outliveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {});
}

/** What a cluster, a file or a person wrote must not break lines, steer a terminal or turn the direction of what follows. */
export function plain(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, ' ');
}
