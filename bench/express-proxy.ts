/**
 * The usual Node proxy, express with http-proxy-middleware, as its documentation shows it, with the same decision. Its
 * arguments: own port, old port, new port, and the CA's file where the backends speak TLS.
 */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import murmur from 'murmurhash3js';

const [port, oldPort, newPort, caFile] = process.argv.slice(2);
const agent = caFile
  ? new HttpsAgent({ keepAlive: true, maxSockets: 256, ca: readFileSync(caFile), servername: 'bench.test' })
  : new HttpAgent({ keepAlive: true, maxSockets: 256 });
const scheme = caFile ? 'https' : 'http';
const old = `${scheme}://127.0.0.1:${oldPort}`;
const fresh = `${scheme}://127.0.0.1:${newPort}`;

const app = express();
app.disable('x-powered-by');
app.use(
  createProxyMiddleware({
    target: old,
    agent,
    xfwd: true,
    router: ({ headers }) => {
      if (headers['x-canary'] === 'new') return fresh;
      const user = headers['x-user-id'];
      if (typeof user === 'string' && murmur.x86.hash32(`bench:${user}`) % 10 === 0) return fresh;
      return Math.random() < 0.1 ? fresh : old;
    },
  }),
);
app.listen(Number(port), '127.0.0.1');
