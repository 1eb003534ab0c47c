/**
 * Ports for servers that a test starts: nothing comes in, ports of 127.0.0.1 that nobody listens on come out.
 * They lie below the range from which the kernel draws the ports of outgoing connections, so that a busy test does not
 * lose one between choosing and listening.
 */
import { createServer } from 'node:net';

const FIRST = 12_000;
const COUNT = 18_000;
let next = (process.pid * 97) % COUNT;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port on 127.0.0.1');
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
