/**
 * A program that keeps an nginx, to be killed by a test: the directory, the port and the word as arguments in; `ready` on
 * stdout once nginx serves. It takes over one that runs there already and says `adopted` before.
 */
import { NginxProcess } from '../../src/nginx/process/nginx-process.ts';
import { NGINX, smallText } from './small-nginx.ts';

const [directory, port, word] = process.argv.slice(2);
const nginx = new NginxProcess({
  directory,
  nginx: NGINX as string,
  workerUser: process.getuid?.() === 0 ? 'root' : null,
  now: () => performance.now(),
  onEvent: (event) => console.log(JSON.stringify(event)),
});
if (await nginx.adopt()) console.log('adopted');
const installed = await nginx.install(smallText(directory, { port: Number(port), word }));
console.log(installed.ok ? `ready ${nginx.pid()}` : installed.message);
setInterval(() => {}, 60_000);
