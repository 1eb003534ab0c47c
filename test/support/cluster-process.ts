/**
 * A toy cluster in a process of its own, so that it can be killed as the kernel kills: `node cluster-process.ts NAME PORT
 * FILE`. Each arrival is a line in FILE before anything else happens, so that the file knows what a dead process saw.
 * Answers take a few milliseconds: there are always requests under way when it dies.
 */
import { appendFileSync } from 'node:fs';
import { ToyCluster } from '../../src/demo/clusters.ts';

const [name, port, file] = process.argv.slice(2);
const cluster = await ToyCluster.listen(name, {
  port: Number(port),
  slowMs: 5,
  onArrival: (method, path) => appendFileSync(file, `${method} ${path}\n`),
});
await cluster.break('slow');
console.log('listening');
