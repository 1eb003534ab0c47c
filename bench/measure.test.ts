import { expect } from 'chai';
import { readSource } from '../src/migration/parse.ts';
import { spreadOver } from './backends.ts';
import { manyOf } from './configuration.ts';
import { readWrk, type Sample } from './measure.ts';
import { readOptions } from './options.ts';
import { usageOf } from './proc.ts';
import { CONTENDERS } from './proxies.ts';
import { summarize, tableOf } from './report.ts';
import { rowsOf } from './rows.ts';

const WRK = `Running 6s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.10ms  512.00us  20.10ms   90.00%
    Req/Sec    57.10k     1.20k   60.00k    70.00%
  Latency Distribution
     50%    1.02ms
     75%    1.20ms
     90%  990.00us
     99%    1.50s
  342600 requests in 6.00s, 400.00MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 10
Requests/sec:  57100.50
`;

const sample = (microsPerRequest: number): Sample => ({
  ...{
    requests: 1,
    seconds: 1,
    userMicros: 1,
    systemMicros: 1,
    requestsPerSecond: 1,
    p50Ms: 1,
    p99Ms: 1,
    errors: 0,
    residentMiB: 1,
    foreign: 0,
  },
  microsPerRequest,
});

describe('the bench', () => {
  it("reads wrk's words", () => {
    expect(readWrk(WRK)).to.deep.equal({
      requests: 342_600,
      requestsPerSecond: 57_100.5,
      p50Ms: 1.02,
      p99Ms: 1500,
      errors: 16,
    });
  });

  it('gives medians and ratios to the row that each is compared to', () => {
    const rows = [
      { name: 'nginx canary', base: 'nginx canary', samples: [sample(20), sample(16), sample(18)] },
      { name: 'migration-proxy', base: 'nginx canary', samples: [sample(19.8), sample(50), sample(19)] },
      { name: 'never measured', base: 'nginx canary', samples: [] },
    ];
    const summaries = summarize(rows);
    expect(summaries.map(({ ratio }) => ratio?.toFixed(2))).to.deep.equal(['1.00', '1.10']);
    expect(summaries[1].spread).to.deep.equal([19, 50]);
    expect(tableOf('t', summaries).split('\n')).to.have.length(4);
    expect(summarize(rows.slice(1))[0].ratio).to.equal(null);
  });

  it('counts the CPU of a process, and none of one that is gone', () => {
    const mine = usageOf(process.pid);
    expect(mine.userSeconds + mine.systemSeconds).to.be.within(0.01, 600);
    expect(mine.residentBytes).to.be.above(2 ** 20);
    expect(usageOf(2 ** 30)).to.deep.equal({ userSeconds: 0, systemSeconds: 0, residentBytes: 0 });
  });

  it('refuses words that it does not know', () => {
    expect(readOptions(['--shape', 'all', '--at-most', '1.25'])).to.deep.include({ atMost: 1.25, rounds: 3 });
    expect(readOptions([])).to.deep.include({ base: 'nginx canary', services: null, backends: 'shared' });
    expect(() => readOptions(['--backends', 'own'])).to.throw(/--backends is shared or distinct, got own/);
    expect(() => readOptions(['--shape', 'round'])).to.throw(/no shape round: keep-alive/);
    expect(() => readOptions(['--rounds', 'many'])).to.throw(/--rounds wants a number/);
    expect(() => readOptions(['--loud'])).to.throw(/--loud/);
  });

  it('compares each that can serve many services to itself with few', () => {
    const rows = rowsOf(CONTENDERS, readOptions(['--services', '5000']));
    expect(rows.map(({ name, base, spread }) => [name, base, spread?.hosts])).to.deep.equal([
      ['nginx plain, 10 services', 'nginx plain, 10 services', 10],
      ['nginx plain, 5000 services', 'nginx plain, 10 services', 5000],
      ['migration-proxy, 10 services', 'migration-proxy, 10 services', 10],
      ['migration-proxy, 5000 services', 'migration-proxy, 10 services', 5000],
      ['migration-proxy nginx, 10 services', 'migration-proxy nginx, 10 services', 10],
      ['migration-proxy nginx, 5000 services', 'migration-proxy nginx, 10 services', 5000],
    ]);
    for (const caFile of [null, '/tmp/ca.pem']) {
      const text = manyOf(spreadOver(10, 'distinct'), { oldPort: 1, newPort: 2, caFile });
      const { services, errors } = readSource({ file: 'migration.yaml', text, kind: 'file' });
      expect([services.length, errors]).to.deep.equal([10, []]);
    }
  });
});
