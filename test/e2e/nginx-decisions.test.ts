/**
 * The decisions of nginx's tables against those of the allocator: a real nginx, imagined services, the same requests. @needs nginx
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { utf8Bytes } from '../../src/allocator/bytes.ts';
import { type CompiledService, compileService } from '../../src/allocator/compile.ts';
import { decide } from '../../src/allocator/decide.ts';
import type { RequestFacts } from '../../src/allocator/facts.ts';
import { type ImaginedRequest, imaginedFacts } from '../../src/allocator/imagined-request.ts';
import { parseIp } from '../../src/allocator/ip.ts';
import { hashId, keyedHash, probePrefix } from '../../src/allocator/keyed-hash.ts';
import { anyMigration, anyRequest, sampleMigration } from '../../src/allocator/sample.test.ts';
import { threshold } from '../../src/allocator/shares.ts';
import type { Migration, ServedMigration } from '../../src/migration/model.ts';
import { STEADY } from '../../src/migration/run-state.ts';
import { NginxTables, njsModule, type Values } from '../support/nginx-tables.ts';

const VARIABLES = ['service', 'decision', 'cluster', 'probe_class', 'request_id', 'own_id'];
const TRUST = { trustedProxies: ['127.0.0.1/32'] };

function hosted(changes: readonly Partial<Migration>[], neverValid = -1): ServedMigration[] {
  return changes.map((change, i): ServedMigration => {
    const sample = sampleMigration({ ...change, name: `s${i}` });
    const old = { ...sample.old, host: `s${i}.test` };
    return { migration: { ...sample, old }, standing: i === neverValid ? 'invalid' : 'valid' };
  });
}

/** As a client behind one trusted proxy sends it. Repeated lines are joined: nginx before 1.23 sees only the first. */
function linesOf(service: CompiledService, request: ImaginedRequest): string[] {
  const facts = imaginedFacts(service, request);
  const names = new Set([...request.headers.map(({ name }) => name.toLowerCase()), 'x-user-id', 'x-member', 'x-team']);
  const lines = [...names]
    .filter((name) => name !== 'cookie' && !name.includes('_') && facts.header(name) !== '')
    .map((name) => `${name}: ${facts.header(name)}`);
  for (const { name, value } of request.cookies) lines.push(`Cookie: ${utf8Bytes(`${name}=${value}`)}`);
  lines.push(`X-Forwarded-For: ${request.ip ?? '0.0.0.0'}`);
  return lines;
}

interface Ids {
  readonly random: string;
  readonly own: string;
}

/** What the allocator says, given the ids that nginx made. */
function expected(service: CompiledService, request: ImaginedRequest, { random, own }: Ids): Values {
  const imagined = imaginedFacts(service, request);
  const facts: RequestFacts = {
    ...imagined,
    clientIp: () => parseIp(request.ip ?? '0.0.0.0')!,
    stickyId: () => imagined.stickyId() || random,
    requestId: () => (/^[!-~]{1,128}$/.test(imagined.requestId()) ? imagined.requestId() : own),
  };
  const weight = keyedHash('murmur2', '');
  const draw = { next: (bp: number) => hashId(weight, own) < threshold(bp) };
  const { cluster, reason } = decide(service, STEADY, facts, draw);
  const admitted = [1_000, 2_500, 5_000].findIndex((admitBp) => {
    const run = { ...STEADY, state: 'probing' as const, admitBp };
    return decide({ ...service, fixed: null }, run, facts, draw).reason !== 'fallback';
  });
  const probeClass = service.fixed !== null ? 'd' : ['a', 'b', 'c', 'd'].at(admitted);
  return { decision: `${cluster}:${reason}`, cluster, probe_class: probeClass ?? 'd' };
}

describe('decisions of nginx', function () {
  this.timeout(120_000);
  let nginx: NginxTables | null = null;

  afterEach(async () => {
    await nginx?.stop();
    nginx = null;
  });

  it('are those of the allocator, for any services and requests', async () => {
    const seed = 20_26;
    const changes = fc.sample(anyMigration, { numRuns: 170, seed }).map((migration): Partial<Migration> => {
      const hash = njsModule === null ? 'murmur2' : migration.hash;
      return { ...migration, ...TRUST, hash };
    });
    const services = hosted(changes, 16);
    nginx = await NginxTables.start(services, VARIABLES);
    expect(nginx.tables.refused).to.deep.equal([]);
    const compiled = services.map((served) => compileService(served));
    const requests = fc.sample(anyRequest, { numRuns: 5_000, seed });
    for (const [i, imagined] of requests.entries()) {
      // Spaces around a value do not arrive.
      const request = { ...imagined, user: imagined.user?.trim() || null };
      const service = compiled[i % compiled.length];
      const lines = linesOf(service, request);
      const got = await nginx.ask(`${service.name}.test`, lines);
      const { service: name, request_id: random, own_id: own, ...decided } = got;
      const what = JSON.stringify({ lines, migration: service.migration }, null, 1);
      expect(name).to.equal(service.name);
      expect(decided, what).to.deep.equal(expected(service, request, { random, own }));
    }
    expect(nginx.log, 'no warning, at start or later').to.equal('');
  });

  it('put 20 000 users on the side that the allocator does, at every share and class, by both hashes', async () => {
    const shares = [1, 100, 1_000, 3_333, 4_584, 5_000, 9_999];
    const hashes = njsModule === null ? (['murmur2'] as const) : (['murmur2', 'murmur3'] as const);
    const services = hosted(
      shares.flatMap((shareBp) => hashes.map((hash) => ({ shareBp, hash, strategy: 'user' as const, cohort: 'shop' }))),
    );
    nginx = await NginxTables.start(services, VARIABLES);
    const compiled = services.map((served) => compileService(served));
    const ids = Array.from({ length: 20_000 }, (_, i) => (i % 3 === 0 ? `Ünïcødé-用户-😀-${i}` : `user-${i}`));
    const clients = Array.from({ length: 4 }, async (_, worker) => {
      for (let i = worker; i < ids.length; i += 4) {
        const id = utf8Bytes(ids[i]);
        const service = compiled[i % compiled.length];
        const got = await nginx!.ask(`${service.name}.test`, [`X-User-ID: ${id}`]);
        const decision = hashId(service.hash, id) < service.threshold ? 'new:user' : 'old:user';
        const place = hashId(keyedHash(service.hash.name, probePrefix('shop')), id);
        const admitted = [1_000, 2_500, 5_000, 10_000].findIndex((bp) => place < threshold(bp));
        expect([got.decision, got.probe_class], ids[i]).to.deep.equal([decision, 'abcd'[admitted]]);
      }
    });
    await Promise.all(clients);
  });

  it('follow the gate: closed is old, and the draw is made once', async () => {
    nginx = await NginxTables.start(hosted([{ shareBp: 10_000 }, { enabled: false }]), [...VARIABLES, 'flag']);
    expect(await nginx.ask('s0.test')).to.include({ decision: 'new:weight', cluster: 'new' });
    expect(await nginx.ask('s0.test', ['X-Test-Gate: closed'])).to.include({
      decision: 'old:fallback',
      cluster: 'old',
    });
    expect(await nginx.ask('s0.test', ['X-Test-Gate: share'])).to.include({ decision: 'new:weight', cluster: 'new' });
    expect((await nginx.ask('s0.test')).flag).to.match(/^[0-9a-f]{16}$/);
    expect(await nginx.ask('s1.test')).to.include({ decision: 'old:disabled', flag: '' });
  });

  it('compare values with case and as bytes, whatever they hold', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: nginx would take it for a variable
    const values = ['new', 'a"b', 'a\\n', '$host', '${x}', 'x;{}#', '~.*', 'größe', 'a  b', '\\1', 'new$$'];
    nginx = await NginxTables.start(
      hosted(
        values.flatMap((value) =>
          (['exact', 'prefix'] as const).map((kind) => ({
            strategy: 'header' as const,
            headerRules: [{ header: 'x-team', match: { kind, value }, target: 'new' as const }],
            cookieRules: [{ cookie: 'a$b', match: { kind, value }, target: 'new' as const }],
          })),
        ),
      ),
      VARIABLES,
    );
    for (const [i, value] of values.entries()) {
      const bytes = utf8Bytes(value);
      const [exact, prefix] = [`s${2 * i}.test`, `s${2 * i + 1}.test`];
      const by = async (host: string, sent: string) => (await nginx!.ask(host, [`X-Team: ${sent}`])).decision;
      expect(await by(exact, bytes), value).to.equal('new:header');
      expect(await by(exact, `${bytes}x`), value).to.equal('old:default');
      expect(await by(prefix, `${bytes}x`), value).to.equal('new:header');
      expect(await by(prefix, `x${bytes}`), value).to.equal('old:default');
      if (/[a-z]/.test(value)) {
        expect(await by(exact, bytes.toUpperCase()), value).to.equal('old:default');
        expect(await by(prefix, bytes.toUpperCase()), value).to.equal('old:default');
      }
      if (value.includes(';')) continue;
      const cookie = async (line: string) => (await nginx!.ask(exact, [`Cookie: ${line}`])).decision;
      expect(await cookie(`A$B=${bytes}; z=1; \t a$b = ${bytes} \t; a$b=2`), value).to.equal('new:cookie');
      expect(await cookie(`a$b=2; a$b=${bytes}`), value).to.equal('old:default');
      expect(await cookie(`xa$b=${bytes}; a$b`), value).to.equal('old:default');
    }
  });

  it('ask every rule of the longest list that there can be', async () => {
    const rule = (i: number) => ({ header: `x-${i}`, match: { kind: 'present' as const }, target: 'new' as const });
    const listOf = (length: number): Partial<Migration> => ({
      strategy: 'user',
      shareBp: 10_000,
      headerRules: Array.from({ length: Math.min(length, 32) }, (_, i) => rule(i)),
      cookieRules: Array.from({ length: Math.max(0, Math.min(length, 64) - 32) }, (_, i) => ({
        cookie: `c${i}`,
        match: { kind: 'exact', value: 'A' },
        target: 'old',
      })),
      ipRules: length > 64 ? [{ cidr: '10.0.0.0/8', target: 'new' }] : [],
      userRules: Array.from({ length: Math.max(0, length - 65) }, (_, i) => ({
        header: `x-user-${i}`,
        from: 0,
        to: 99,
        target: 'new',
      })),
      ...TRUST,
    });
    const lengths = [97, 1, 23, 24, 25, 48, 49, 64, 65, 66];
    nginx = await NginxTables.start(hosted(lengths.map(listOf)), VARIABLES);
    const by = async (i: number, line: string) => (await nginx!.ask(`s${i}.test`, [line])).decision;
    for (const i of lengths.keys()) expect(await by(i, 'X-User-ID: a'), `${lengths[i]}`).to.equal('new:user');
    for (const i of lengths.keys()) expect(await by(i, 'X-0: a'), `${lengths[i]}`).to.equal('new:header');
    for (const i of [0, 6, 7, 8, 9]) expect(await by(i, 'Cookie: c16=A'), `${lengths[i]}`).to.equal('old:cookie');
    for (const i of [0, 8, 9]) expect(await by(i, 'X-Forwarded-For: 10.1.1.1')).to.equal('new:ip');
    expect(await by(0, 'X-User-31: a')).to.equal('new:user');
    expect(await by(9, 'X-User-0: a')).to.equal('new:user');
    expect(await by(9, 'X-User-1: a')).to.equal('old:user');
    expect(nginx.log).to.equal('');
  });

  it('take no longer for a hostile value than its length', async () => {
    const sources = ['(a+)+$', '(a|a)*$', '(a*)*c', 'a.*a.*a.*a.*c', '(\\w+\\s?)+$', '([a-z]+)*[A-Z]'];
    const services = sources.map((source) => ({
      headerRules: [{ header: 'x-team', match: { kind: 'regex' as const, source }, target: 'new' as const }],
      shareBp: 0,
    }));
    nginx = await NginxTables.start(hosted(services), VARIABLES);
    expect(await nginx.ask('s0.test', [`X-Team: ${'a'.repeat(20_000)}`])).to.include({ decision: 'new:header' });
    // Each of them steps on to PCRE's limit, some tens of ms at most; without one none would answer within days.
    const begun = performance.now();
    // Compiled to machine code this one runs out of its stack instead (32 KiB, PCRE 10.42).
    expect(await nginx.ask('s1.test', [`X-Team: ${'a'.repeat(16_384)}`])).to.include({ decision: 'new:header' });
    for (const [i, source] of sources.entries()) {
      const values = await nginx.ask(`s${i}.test`, [`X-Team: ${'a'.repeat(16_384)}!`]);
      expect(values, source).to.include({ decision: 'old:weight' });
    }
    expect(performance.now() - begun).to.be.below(5_000);
  });

  it('read lists of any length to their end', async () => {
    const cookieRules = [{ cookie: 'side', match: { kind: 'exact' as const, value: 'x' }, target: 'new' as const }];
    nginx = await NginxTables.start(hosted([{ cookieRules, shareBp: 0 }]), ['decision', 'upgrade_out']);
    const lines = [
      `Cookie: ${'a=b;'.repeat(7_500)} side=x; side=y`,
      `Connection: ${'a,'.repeat(14_000)} upgrade`,
      `Upgrade: ${'t, '.repeat(2_000)}toy`,
    ];
    const values = await nginx.ask('s0.test', lines);
    expect(values.decision).to.equal('new:cookie');
    expect(values.upgrade_out).to.have.length(6_003);
    expect(nginx.log).to.equal('');
  });
});
