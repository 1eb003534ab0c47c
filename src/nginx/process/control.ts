/**
 * The control server of the running nginx, asked over its unix socket. In: the socket's path. Out: the token of the
 * generation that answers, the open connections, or null when nobody answers in time.
 */
import { get } from 'node:http';

/** Of clients, by ngx_http_stub_status_module. `active` counts the one that asks. */
export interface Connections {
  readonly active: number;
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

const MOST_BYTES = 4_096;

export async function askGeneration(socket: string, timeoutMs: number): Promise<string | null> {
  return (await ask(socket, '/generation', timeoutMs))?.trim() ?? null;
}

export async function askConnections(socket: string, timeoutMs: number): Promise<Connections | null> {
  const text = (await ask(socket, '/connections', timeoutMs)) ?? '';
  const counts = /Active connections: (\d+)[\s\S]*Reading: (\d+) Writing: (\d+) Waiting: (\d+)/.exec(text);
  if (counts === null) return null;
  const [active, reading, writing, waiting] = counts.slice(1).map(Number);
  return { active, reading, writing, waiting };
}

/** Null: no answer of 200 in time. */
function ask(socketPath: string, path: string, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get({ socketPath, path, agent: false, signal, headers: { host: 'localhost' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
        if (text.length > MOST_BYTES) request.destroy();
      });
      answer.once('end', () => resolve(answer.statusCode === 200 ? text : null));
      answer.once('error', () => resolve(null));
      answer.once('close', () => resolve(null));
    });
    request.once('error', () => resolve(null));
  });
}
