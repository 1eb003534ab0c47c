import { expect } from 'chai';
import { complaints, deathWords, forPeople, lastWords, logLines, reloadRefusal, warningsIn } from './words.ts';

const TAKEN = (pid: number): string =>
  `2025/11/21 15:19:16 [emerg] ${pid}#${pid}: bind() to 127.0.0.1:8000 failed (98: Address already in use)`;
const STILL = '2025/11/21 15:19:18 [emerg] 7#7: still could not bind()';

describe("nginx's words", () => {
  it('are read from its log and from what it says before it has one', () => {
    const text = `nginx: [emerg] unknown directive "foo" in /d/nginx.conf:3\n${TAKEN(7)}\nno such form\n2025/11/21 15:19:16 [error] 9#9: *12 upstream`;
    expect(logLines(text)).to.deep.equal([
      { level: 'emerg', pid: null, message: 'unknown directive "foo" in /d/nginx.conf:3' },
      { level: 'emerg', pid: 7, message: 'bind() to 127.0.0.1:8000 failed (98: Address already in use)' },
      { level: 'error', pid: 9, message: 'upstream' },
    ]);
  });

  it('are said once', () => {
    expect(complaints(logLines([TAKEN(7), TAKEN(7), STILL].join('\n')))).to.equal(
      'bind() to 127.0.0.1:8000 failed (98: Address already in use); still could not bind()',
    );
    const warned = logLines('nginx: [warn] conflicting server name "a"\nnginx: [warn] conflicting server name "a"');
    expect(warningsIn(warned)).to.deep.equal(['conflicting server name "a"']);
    expect(complaints(warned)).to.equal('');
  });

  it('of a program that is no nginx are repeated, and silence is named', () => {
    const file = 'nginx: configuration file /d/nginx.conf test failed\n';
    expect(lastWords(`nginx: [emerg] no port\n${file}`, 'code 1')).to.equal('no port');
    expect(lastWords(`nginx: error while loading shared libraries\n${file}`, 'code 127')).to.equal(
      'nginx: error while loading shared libraries',
    );
    expect(lastWords('', 'signal SIGSEGV')).to.equal('it ended with signal SIGSEGV and said nothing');
    expect(lastWords('x'.repeat(9_000), 'code 1').length).to.be.below(2_100);
  });

  it('are told without the line of a text that nobody has, and PCRE1 by its name', () => {
    const words = 'host not found in upstream "a:1" in /dev/shm/p/nginx.conf:371; unknown "x" variable';
    expect(forPeople(words)).to.equal('host not found in upstream "a:1"; unknown "x" variable');
    expect(forPeople('open() "/d/nginx.conf" failed')).to.equal('open() "/d/nginx.conf" failed');
    const verb =
      'pcre_compile() failed: (*VERB) not recognized or malformed in "(*NO_JIT)^a" at "^a" in /d/nginx.conf:9';
    expect(forPeople(verb)).to.contain('built with PCRE1').and.to.contain('need PCRE2');
  });

  it('tell a reload that is refused from one that still tries to bind', () => {
    const refusal = (...lines: string[]): string | null => reloadRefusal(logLines(lines.join('\n')), 7);
    expect(refusal(TAKEN(7), TAKEN(7))).to.equal(null);
    expect(refusal(TAKEN(7), STILL))
      .to.contain('Address already in use')
      .and.to.contain('still could not bind()');
    expect(refusal('2025/11/21 15:19:16 [emerg] 7#7: open() "/x" failed (30: Read-only file system)')).to.contain('/x');
    expect(refusal('2025/11/21 15:19:16 [emerg] 8#8: of somebody else')).to.equal(null);
    expect(
      refusal(
        '2025/11/21 15:19:16 [emerg] 9#9: setgid(33) failed (1: Operation not permitted)',
        '2025/11/21 15:19:16 [alert] 7#7: worker process 9 exited with fatal code 2 and cannot be respawned',
      ),
    ).to.match(/setgid.*cannot be respawned/);
  });

  it('are the last of a master that died', () => {
    expect(deathWords('', 7, { code: null, signal: 'SIGKILL' })).to.equal('nginx ended (signal SIGKILL)');
    expect(deathWords(STILL, 7, { code: 1, signal: null })).to.equal(
      'nginx ended (code 1); its last complaints: still could not bind()',
    );
    expect(deathWords('', 7, { code: null, signal: null })).to.equal('nginx ended (unknown)');
  });
});
