/**
 * The quoting and the tests' reader of nginx's grammar against a real nginx: what each makes of odd words is the same, byte for byte.
 * Without nginx the suite is skipped by name; in CI that is a failure. @needs nginx
 */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { readTemplates } from '../../src/nginx/templates.ts';
import type { MapBlock } from '../../src/nginx/text/block.ts';
import { type Expression, LF, variable } from '../../src/nginx/text/expression.ts';
import { printBlocks } from '../../src/nginx/text/print-blocks.ts';
import { compileTemplates } from '../../src/nginx/text/printer.ts';
import { dollarBlock, quote, quoteLiteral } from '../../src/nginx/text/quote.ts';
import { nginxBinary } from '../support/nginx-binary.ts';
import { type NginxEcho, nginxVerdict, startNginxEcho } from '../support/nginx-echo.ts';
import { readNginx } from '../support/nginx-tokens.ts';

const ODD = [
  ...'\'"\\;{}$#~ \t\n\r*=@()a1é用',
  '\\n',
  '\\"',
  '\\$',
  '${',
  '$host',
  "''",
  '""',
  ' #',
  'default',
  '\\\\',
];
const HOSTILE = [...';{}"\'\\$#~ *=@^(),:/|aZé用', `\${x}`, '\\n', '$host', 'default', 'include', '; zz_marker on; #'];
const SEED = 20_261_121;

const printer = compileTemplates(readTemplates());

describe('quoting for a real nginx', function () {
  this.timeout(60_000);
  let echo: NginxEcho | null = null;

  before(function () {
    if (spawnSync(nginxBinary(), ['-v']).status === 0) return;
    const reason = 'nginx is not installed (Debian: apt-get install nginx-light)';
    if (process.env.CI) throw new Error(reason);
    console.log(`      skipped: ${reason}`);
    this.skip();
  });

  afterEach(async () => {
    await echo?.stop();
    echo = null;
  });

  /** Texts that are put where nginx expands nothing come back as the words that it read. */
  async function readByNginx(words: readonly string[]): Promise<string[]> {
    const tables = words.map((word, i) => `split_clients x $word_${i} { * ${word}; }`);
    const places = words.map((_, i) => `location = /${i} { return 200 "<$word_${i}>"; }`);
    echo = await startNginxEcho(`variables_hash_max_size 4096;\n${tables.join('\n')}`, places.join('\n'));
    const answers: string[] = [];
    for (const i of words.keys()) answers.push((await echo.ask(`/${i}`)).slice(1, -1));
    return answers;
  }

  it("agrees with the tests' reader on what a word is, however odd", async () => {
    const texts = fc.sample(fragment(ODD), { numRuns: 1_500, seed: SEED });
    const words: string[] = [];
    const meant: string[] = [];
    for (const text of texts) {
      const word = onlyWord(text);
      if (word === null) continue;
      words.push(text);
      meant.push(Buffer.from(word).toString('latin1'));
    }
    expect(words).to.have.length.above(150);
    expect(await readByNginx(words)).to.deep.equal(meant);
  });

  it("agrees with the tests' reader on what is no file", () => {
    const texts = fc.sample(fragment(ODD), { numRuns: 300, seed: SEED }).map(row);
    const broken = [...texts.filter((text) => !isFile(text)).slice(0, 40), row(`"${'a'.repeat(4_096)}"`)];
    expect(broken).to.have.length.above(30);
    for (const text of broken) {
      const { ok, words } = nginxVerdict(text);
      expect(ok, text).to.equal(false);
      expect(words, text).to.match(/unexpected|too long parameter|is not terminated/);
    }
  });

  it('reads every quoted text as that text, where it expands nothing', async () => {
    const texts = [...fc.sample(fragment(HOSTILE), { numRuns: 400, seed: SEED }), `é${' '.repeat(4_090)}`];
    const words = texts.map((text) => quoteLiteral(text, 'text'));
    expect(await readByNginx(words)).to.deep.equal(texts.map(latin1));
  });

  it('reads every quoted expression as its text and variables, where it expands', async () => {
    const part = fc.oneof(
      fragment(HOSTILE),
      fc.constant(LF),
      fc.constantFrom(variable('http_x_id'), variable('request_method')),
    );
    const expressions = fc.sample(fc.array(part, { maxLength: 5 }), { numRuns: 400, seed: SEED });
    const places = expressions.map((expression: Expression, i) => {
      return `location = /${i} { return 200 ${quote(['<', ...expression, '>'], 'text')}; }`;
    });
    const running = await startNginxEcho(printBlocks(printer, [dollarBlock]), places.join('\n'));
    echo = running;
    for (const [i, expression] of expressions.entries()) {
      const meant = expression.map((p) => {
        if (p === LF) return '\n';
        if (typeof p === 'string') return p;
        return (p as { variable: string }).variable === 'http_x_id' ? 'ID-1' : 'GET';
      });
      expect(await running.ask(`/${i}`, { 'X-Id': 'ID-1' })).to.equal(`<${latin1(meant.join(''))}>`);
    }
  });

  it('finds every key of a map by exactly its text, and a value with dollars comes out as it is', async () => {
    const special = [
      'default',
      'include',
      'volatile',
      'hostnames',
      '~x',
      '~*x',
      '\\x',
      '\\\\',
      '*.a',
      '.a',
      '$host',
      '-',
    ];
    const sampled = fc.sample(fragment(HOSTILE), { numRuns: 400, seed: SEED }).map((text) => text.trim());
    const texts = distinct([...special, ...sampled].filter((text) => text !== ''));
    const table: MapBlock = {
      kind: 'map',
      source: [variable('http_x_text')],
      variable: 'found',
      volatile: false,
      fallback: ['nothing'],
      rows: texts.map((text) => ({ key: { kind: 'exact', text }, value: ['is ', text] })),
    };
    const running = await startNginxEcho(printBlocks(printer, [dollarBlock, table]), 'return 200 "$found";');
    echo = running;
    for (const text of texts) {
      expect(await running.ask('/', { 'X-Text': latin1(text) }), text).to.equal(latin1(`is ${text}`));
    }
    expect(await running.ask('/', { 'X-Text': 'none of them' })).to.equal('nothing');
  });

  it('reads a regex row as the regex it is', async () => {
    const regexes = ['^re\\.\\d{2}$', '^q"u\\\\o;te #$', '^(a|b)\\/\\{\\}$', '^[^\'"]{3}~$'];
    const hits = ['re.12', 'q"u\\o;te #', 'b/{}', 'abc~'];
    const table: MapBlock = {
      kind: 'map',
      source: [variable('http_x_text')],
      variable: 'found',
      volatile: false,
      fallback: ['none'],
      rows: regexes.map((pattern, i) => ({ key: { kind: 'regex', pattern }, value: [`${i}`] })),
    };
    const running = await startNginxEcho(printBlocks(printer, [table]), 'return 200 "$found";');
    echo = running;
    for (const [i, text] of hits.entries()) expect(await running.ask('/', { 'X-Text': text }), text).to.equal(`${i}`);
    expect(await running.ask('/', { 'X-Text': 're-12' })).to.equal('none');
  });

  it('reads networks and shares without a word', () => {
    const text = printBlocks(printer, [
      {
        kind: 'geo',
        variable: 'side',
        proxies: ['10.1.2.3/8', '::ffff:192.168.7.7/112', '2001:db8::1/32'],
        fallback: 'a b',
        rows: ['10.255.0.1/9', '::1/0', '::ffff:1.2.3.4/120', 'fe80::ffff/10'].map((cidr) => ({ cidr, value: '$;"' })),
      },
      {
        kind: 'split_clients',
        key: ['a $', variable('request_id')],
        variable: 'draw',
        rows: [1, 7, 1_000, 1_234, 3_330].map((shareBp) => ({ shareBp, value: `{${shareBp}}` })),
        rest: '*',
      },
      dollarBlock,
    ]);
    expect(nginxVerdict(`geo $dollar { default 1; }\n${text}`)).to.deep.equal({ ok: true, words: '' });
  });
});

function fragment(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((chosen) => chosen.join(''));
}

function row(text: string): string {
  return `split_clients x $word { * ${text}; }`;
}

/** Also when it then goes on inside the http block around it, as nginx's own would. */
function isFile(text: string): boolean {
  try {
    readNginx(`http {\n${text}\n}`);
    return true;
  } catch {
    return false;
  }
}

/** The word, when the text is exactly one in a row `* TEXT;` and nothing besides. */
function onlyWord(text: string): string | null {
  try {
    const { directives, comments } = readNginx(row(text));
    const [{ block }, ...rest] = directives;
    const fits = rest.length === 0 && comments.length === 0 && block?.length === 1;
    const words = fits && block[0].block === null ? block[0].words : [];
    return words.length === 2 && words[0] === '*' ? words[1] : null;
  } catch {
    return null;
  }
}

/** As bytes of UTF-8, a character each. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** One of those that nginx takes for equal. */
function distinct(texts: readonly string[]): string[] {
  const found = new Map(texts.map((text) => [text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()), text]));
  return [...found.values()];
}
