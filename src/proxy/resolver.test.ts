import { expect } from 'chai';
import { Resolver } from './resolver.ts';

describe('proxy/resolver', () => {
  const setup = () => {
    const time = { nowMs: 0 };
    const answers: (string[] | Error)[] = [];
    let asked = 0;
    const resolver = new Resolver({
      now: () => time.nowMs,
      lookup: async () => {
        asked += 1;
        const answer = answers.shift();
        if (answer === undefined) throw new Error('nothing scripted');
        if (answer instanceof Error) throw answer;
        return answer;
      },
      refreshMs: 5000,
      failureMs: 1000,
    });
    return { time, answers, resolver, asked: () => asked };
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('asks once for many who wait, and serves the answer until it is old', async () => {
    const { answers, resolver, asked, time } = setup();
    answers.push(['10.0.0.1']);
    const all = await Promise.all([resolver.resolve('a'), resolver.resolve('a'), resolver.resolve('a')]);
    expect(all).to.deep.equal([['10.0.0.1'], ['10.0.0.1'], ['10.0.0.1']]);
    time.nowMs = 4999;
    expect(resolver.known('a')).to.deep.equal(['10.0.0.1']);
    expect(asked()).to.equal(1);
  });

  it('refreshes behind the request and keeps the last good answer when that fails', async () => {
    const { answers, resolver, time } = setup();
    answers.push(['10.0.0.1'], new Error('down'), ['10.0.0.2']);
    await resolver.resolve('a');
    time.nowMs = 5000;
    expect(resolver.known('a')).to.deep.equal(['10.0.0.1']);
    await settled();
    expect(resolver.known('a')).to.deep.equal(['10.0.0.1']);
    time.nowMs = 6000;
    resolver.known('a');
    await settled();
    expect(resolver.known('a')).to.deep.equal(['10.0.0.2']);
  });

  it('remembers a failure for a while, with its words', async () => {
    const { answers, resolver, asked, time } = setup();
    answers.push(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), ['10.0.0.3']);
    const failure = async () => {
      try {
        return (await resolver.resolve('gone.example')).join();
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(await failure()).to.equal('ENOTFOUND gone.example');
    expect(await failure()).to.equal('ENOTFOUND gone.example');
    expect(asked()).to.equal(1);
    time.nowMs = 1000;
    expect(await failure()).to.equal('10.0.0.3');
  });

  it('an address is its own answer', async () => {
    const { resolver, asked } = setup();
    expect(resolver.known('127.0.0.1')).to.deep.equal(['127.0.0.1']);
    expect(await resolver.resolve('::1')).to.deep.equal(['::1']);
    expect(asked()).to.equal(0);
  });
});
