import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { MemoryApi } from '../../test/support/memory-api.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { KubeFailure } from './api.ts';
import { historyForm, lastGoodForm } from './kept-forms.ts';
import { KeptText, type KeptTextOptions } from './kept-text.ts';

const NAMESPACE = 'ours';
const NAME = 'migration-proxy-last-good';

const textOf = (value: string): string => JSON.stringify({ format: 1, sources: [value] });

describe('a text that outlives pods', () => {
  let api: MemoryApi;
  let time: VirtualTime;
  let logged: string[];

  function kept(options: Partial<KeptTextOptions> = {}): KeptText {
    const say = (_: object, message: string): void => void logged.push(message);
    return new KeptText({
      api,
      namespace: NAMESPACE,
      name: NAME,
      labels: { 'app.kubernetes.io/component': 'last-good' },
      form: historyForm,
      leastPauseMs: 0,
      random: () => 0.5,
      setTimer: time.setTimer,
      log: { debug: say, info: say, warn: say, error: say },
      mayWrite: () => true,
      ...options,
    });
  }
  const writes = (): number => api.calls.filter(({ verb }) => verb === 'create' || verb === 'patch').length;
  const stored = (form = historyForm): Promise<string | null> => kept({ form }).read();

  beforeEach(() => {
    api = new MemoryApi();
    time = new VirtualTime();
    logged = [];
  });

  it('is there for the next pod, and equal texts are one write', async () => {
    const mine = kept();
    expect(await mine.read()).to.equal(null);
    mine.save(() => textOf('a'));
    await time.pass(100);
    mine.save(() => textOf('a'));
    await time.pass(100);
    expect(writes()).to.equal(1);
    expect(await stored()).to.equal(textOf('a'));
    kept().save(() => textOf('a'));
    await time.pass(100);
    expect(writes(), 'who writes from now on finds it there').to.equal(1);
  });

  it('is packed where it may be long, the same bytes for the same text', async () => {
    const long = textOf('a service like any other, '.repeat(100_000));
    const mine = kept({ form: lastGoodForm });
    mine.save(() => long);
    await mine.close();
    expect(await stored(lastGoodForm)).to.equal(long);
    const { data, binaryData } = (await api.getConfigMap(NAMESPACE, NAME))!;
    expect(await lastGoodForm.toObject(long)).to.deep.equal({ data, binaryData });
  });

  it('is written by one at a time, the newest text', async () => {
    const mine = kept({ leastPauseMs: 1_000 });
    for (let i = 0; i < 50; i++) {
      mine.save(() => textOf(`version ${i}`));
      await time.pass(100);
    }
    await time.pass(2_000);
    expect(writes()).to.be.within(5, 7);
    expect(await stored()).to.equal(textOf('version 49'));
  });

  it('is not written by a replica that may not, and is once it may', async () => {
    let leads = false;
    const mine = kept({ mayWrite: () => leads });
    mine.save(() => textOf('a'));
    await time.pass(60_000);
    expect(writes()).to.equal(0);
    leads = true;
    mine.takeOver();
    await time.pass(100);
    expect(await stored()).to.equal(textOf('a'));
  });

  it('is told of before it is written over, and written over only as it was read', async () => {
    const found: string[] = [];
    const [mine, other] = [kept({ onFound: (text) => found.push(text) }), kept()];
    mine.save(() => textOf('a'));
    await time.pass(100);
    other.save(() => textOf('b'));
    await time.pass(100);
    mine.save(() => textOf(`c after ${found.join()}`));
    await time.pass(5_000);
    expect(found).to.deep.equal([textOf('b')]);
    expect(await stored()).to.equal(textOf(`c after ${textOf('b')}`));
    expect(logged).to.deep.equal([]);
  });

  it('is looked at, and taken over, while it is written', async () => {
    const seen: string[] = [];
    const mine = kept({ onKept: (text) => void seen.push(text), leastPauseMs: 1_000 });
    for (let i = 0; i < 5; i++) {
      mine.save(() => textOf(`version ${i}`));
      const looks = [mine.peek(), mine.peek()];
      if (i % 2 === 1) mine.takeOver();
      await time.pass(1_000);
      await Promise.all(looks);
    }
    await time.pass(1_000);
    expect(await mine.peek()).to.equal(textOf('version 4'));
    expect(seen.at(-1), 'what was written is told').to.equal(textOf('version 4'));
    expect(logged).to.deep.equal([]);
  });

  it('of a later format is left alone, and people hear of it once', async () => {
    const data = { format: '2' };
    await api.createConfigMap({ namespace: NAMESPACE, name: NAME, labels: {}, data });
    const mine = kept({ form: lastGoodForm });
    mine.save(() => textOf('a'));
    await time.pass(600_000);
    expect(writes()).to.equal(1);
    expect((await api.getConfigMap(NAMESPACE, NAME))?.data).to.deep.equal(data);
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include('a format that this version does not know, and leaves alone');
    const history = { 'history.json': '{"format":2}' };
    expect(await historyForm.fromObject({ data: history, binaryData: {} } as never)).to.deep.equal({ kind: 'foreign' });
  });

  it('that is damaged is as none, is said so, and is written anew', async () => {
    const damages = [{ 'last-good.json.gz': 'AAAA' }, { 'last-good.json.gz': Buffer.from('{}').toString('base64') }];
    for (const binaryData of damages) {
      api = new MemoryApi();
      await api.createConfigMap({ namespace: NAMESPACE, name: NAME, labels: {}, data: { format: '1' }, binaryData });
      const mine = kept({ form: lastGoodForm });
      expect(await mine.read()).to.equal(null);
      expect(logged.splice(0)).to.deep.equal([
        `the ConfigMap ${NAMESPACE}/${NAME} is damaged (it cannot be unpacked): going on without the last good configuration that it held`,
      ]);
      mine.save(() => textOf('a'));
      await mine.close();
      expect(await stored(lastGoodForm)).to.equal(textOf('a'));
    }
  });

  it('that would end a small pod is as none, in words: too long, too many values, too deep', async () => {
    const hostile: readonly (readonly [string, RegExp])[] = [
      [textOf('a'.repeat(17 * 1024 * 1024)), /more than 16777216 bytes when it is unpacked/],
      [`{"format":1,"sources":[${'{},'.repeat(1_000_000)}{}]}`, /more than 1000000 values/],
      [`{"format":1,"sources":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested deeper than 64 levels/],
    ];
    for (const [text, why] of hostile) {
      api = new MemoryApi();
      const binaryData = { 'last-good.json.gz': gzipSync(text).toString('base64') };
      await api.createConfigMap({ namespace: NAMESPACE, name: NAME, labels: {}, data: { format: '1' }, binaryData });
      expect(await kept({ form: lastGoodForm }).read()).to.equal(null);
      expect(logged.splice(0).join()).to.match(why).and.include('is damaged');
    }
    const deep = `{"format":1,"entries":${'['.repeat(1_000)}${']'.repeat(1_000)}}`;
    expect(await historyForm.fromObject({ data: { 'history.json': deep }, binaryData: {} } as never)).to.include({
      kind: 'damaged',
    });
  });

  it('that nobody could read again is not written over what can be read', async () => {
    const mine = kept({ form: lastGoodForm });
    mine.save(() => textOf('a'));
    await time.pass(1_000);
    mine.save(() => textOf('a'.repeat(17 * 1024 * 1024)));
    await eventually('it is told', async () => {
      await time.pass(1_000);
      return logged.length > 0;
    });
    expect(logged[0]).to.match(
      /does not fit into .*: it has more than 16777216 bytes when it is unpacked; what is kept/,
    );
    expect(await stored(lastGoodForm)).to.equal(textOf('a'));
  });

  it('keeps what others put beside it', async () => {
    await api.createConfigMap({ namespace: NAMESPACE, name: NAME, labels: { team: 'x' }, data: { note: 'ours' } });
    const mine = kept({ form: lastGoodForm });
    mine.save(() => textOf('a'));
    await mine.close();
    const { data, meta } = (await api.getConfigMap(NAMESPACE, NAME))!;
    expect([data.note, data.format, meta.labels.team]).to.deep.equal(['ours', '1', 'x']);
  });

  it('is tried again for as long as it cannot be written, with one line in the log', async () => {
    const mine = kept();
    api.before = ({ verb }) => {
      if (verb !== 'get') throw new KubeFailure('unreachable', 'the API server does not answer');
    };
    mine.save(() => textOf('a'));
    await time.pass(300_000);
    expect(writes()).to.be.within(5, 14);
    expect(logged).to.have.length(1);
    api.before = () => {};
    await time.pass(61_000);
    expect(await stored()).to.equal(textOf('a'));
    expect(logged[1]).to.equal('the history is kept again');
  });

  it('that does not fit leaves what is there, and people hear how to make it fit', async () => {
    const mine = kept({ form: historyForm });
    mine.save(() => JSON.stringify({ format: 1, entries: 'a' }));
    await time.pass(100);
    mine.save(() => JSON.stringify({ format: 1, entries: 'x'.repeat(1024 * 1024) }));
    await time.pass(600_000);
    expect(writes()).to.equal(1);
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include('does not fit').and.include('--state-dir');
  });

  it('is written a last time at the end', async () => {
    const mine = kept({ leastPauseMs: 60_000 });
    mine.save(() => textOf('a'));
    await time.pass(100);
    mine.save(() => textOf('b'));
    await mine.close();
    expect(await stored()).to.equal(textOf('b'));
  });
});
