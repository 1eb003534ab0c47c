/** Ten requests a second through the proxy, and every five seconds (EVERY_MS) a line that says who answered them. */
import { request } from 'node:http';

const [host, port] = (process.env.PROXY ?? '127.0.0.1:8000').split(':');
const seen = new Map();
const count = (key) => seen.set(key, (seen.get(key) ?? 0) + 1);

function ask() {
  const headers = { Host: 'shop.example.com' };
  const asked = request({ host, port, path: '/', headers, timeout: 3000 }, (answer) => {
    let body = '';
    answer.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    answer.on('end', () => count(answer.statusCode === 200 ? JSON.parse(body).cluster : `status ${answer.statusCode}`));
    answer.on('error', () => count('broken answer'));
  });
  asked.on('timeout', () => asked.destroy(new Error('no answer within 3 s')));
  asked.on('error', (error) => count(error.code ?? error.message));
  asked.end();
}

setInterval(ask, 100);
setInterval(
  () => {
    console.log(
      [...seen]
        .sort()
        .map(([who, times]) => `${who} ${times}`)
        .join('   ') || 'nothing yet',
    );
    seen.clear();
  },
  Number(process.env.EVERY_MS ?? 5000),
);
process.once('SIGTERM', () => process.exit(0));
