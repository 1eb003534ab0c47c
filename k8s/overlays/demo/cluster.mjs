/** A toy cluster: says which one it is, and what it was asked. */
import { createServer } from 'node:http';

const cluster = process.env.CLUSTER ?? '?';
const server = createServer((request, response) => {
  request.resume();
  response.setHeader('Content-Type', 'application/json');
  response.end(`${JSON.stringify({ cluster, host: request.headers.host, path: request.url })}\n`);
});
// The proxy decides how long a connection is kept.
server.keepAliveTimeout = 0;
const port = Number(process.env.PORT ?? 8080);
server.listen(port, () => console.log(`${cluster} listens on ${port}`));
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
