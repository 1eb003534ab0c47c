/**
 * Work that only one process of a user does at a time, the others wait: a name and the work in, the work's answer out.
 * The lock is a name in Linux's abstract socket space: it is gone with the process, however that ends, and leaves no file.
 * Elsewhere nobody waits; the work has to bear that.
 */
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const ASK_AGAIN_MS = 1000;

/** `onWait` is called once, when somebody else has the lock. */
export async function oneAtATime<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return await work();
  const path = `\0migration-proxy-${process.getuid?.()}-${name}`;
  let lock = await take(path);
  if (lock === null) onWait();
  while (lock === null) {
    await pause(ASK_AGAIN_MS);
    lock = await take(path);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

function take(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}
