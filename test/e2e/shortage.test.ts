/** A proxy that runs out of file descriptors: no cluster is blamed, and it serves on when there are some again. */
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';

const SCRIPT = `
import { closeSync, openSync } from 'node:fs';
import { Direct, HOST } from '${new URL('../support/direct.ts', import.meta.url).href}';
import { requestBytes } from '${new URL('../support/raw-client.ts', import.meta.url).href}';
const direct = await Direct.start();
const [first, second] = [await direct.client(), await direct.client()];
first.send(requestBytes({ host: HOST }));
const before = (await first.response()).status;
direct.apply({ ...direct.migration(), new: { ...direct.migration().new, host: 'other.example', address: '127.0.0.2' } });
const files = [];
try {
  for (;;) files.push(openSync('/dev/null', 'r'));
} catch (error) {
  if (error.code !== 'EMFILE') throw error;
}
second.send(requestBytes({ host: HOST }));
const without = (await second.response()).status;
const failures = direct.outcomes.filter(({ failure }) => failure !== null);
const { attempts } = direct.records[1];
for (const file of files) closeSync(file);
direct.apply(direct.migration());
second.send(requestBytes({ host: HOST }));
const after = (await second.response()).status;
console.log(JSON.stringify({ before, without, failures, attempts: attempts.map(({ message }) => message), after }));
process.exit(0);
`;

describe('shortage of file descriptors', () => {
  it('fails the request, blames no cluster, and is over when it is over', () => {
    const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, SCRIPT];
    const result = JSON.parse(execFileSync('sh', limited, { encoding: 'utf8', timeout: 20_000 }));
    expect(result).to.deep.include({ before: 200, without: 502, failures: [], after: 200 });
    expect(result.attempts).to.have.length.greaterThan(0);
    for (const message of result.attempts) expect(message).to.match(/EMFILE/);
  }).timeout(30_000);
});
