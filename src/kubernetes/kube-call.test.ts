import { expect } from 'chai';
import { within } from '../../test/support/eventually.ts';
import { KubeFailure, type KubeFailureKind } from './api.ts';
import { type KubeCall, kubeCall, pauseBefore } from './kube-call.ts';

const failure = (kind: KubeFailureKind, retryAfterMs?: number) =>
  new KubeFailure(kind, kind, retryAfterMs === undefined ? {} : { retryAfterMs });

function call<T>(perform: KubeCall<T>['perform'], more: Partial<KubeCall<T>> = {}): Promise<T> {
  return kubeCall({ server: 'https://api', what: 'read it', limitMs: 5_000, ask: 'again', perform, ...more });
}

async function failureOf(answer: Promise<unknown>): Promise<KubeFailure> {
  const error = await within('an end', answer).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(KubeFailure);
  return error as KubeFailure;
}

describe('a call to an API server', () => {
  it('ends within its limit whatever hangs, and tells what it holds', async () => {
    let signalled = false;
    const hanging = (signal: AbortSignal) =>
      new Promise<never>(() => {
        signal.addEventListener('abort', () => {
          signalled = true;
        });
      });
    const error = await failureOf(call(hanging, { limitMs: 30 }));
    expect(error.kind).to.equal('timeout');
    expect(error.message).to.contain('https://api does not answer: no end of the attempt to read it within 0.03 s');
    expect(signalled).to.equal(true);
  });

  it('makes every error a KubeFailure, with the cause', async () => {
    const cause = new TypeError('surprise');
    const error = await failureOf(call(() => Promise.reject(cause), { ask: 'once' }));
    expect([error.kind, error.cause, error.message]).to.deep.equal([
      'unreachable',
      cause,
      'the API server https://api does not answer: surprise',
    ]);
  });

  it('asks a read again while that may help', async () => {
    let asked = 0;
    const flaky = async () => {
      if (++asked < 3) throw failure('server');
      return 'answer';
    };
    expect(await call(flaky)).to.equal('answer');
    asked = 0;
    expect((await failureOf(call(flaky, { ask: 'once' }))).kind).to.equal('server');
    expect(asked).to.equal(1);
  });

  it('waits a little more each time, as long as the server says, and never beyond the limit', () => {
    expect(pauseBefore('again', 1, failure('unreachable'), 9_000)).to.equal(100);
    expect(pauseBefore('again', 2, failure('server'), 9_000)).to.equal(300);
    expect(pauseBefore('again', 3, failure('server'), 9_000)).to.equal(null);
    expect(pauseBefore('again', 1, failure('throttled', 4_000), 9_000)).to.equal(4_000);
    expect(pauseBefore('again', 1, failure('throttled', 4_000), 3_000)).to.equal(null);
    for (const kind of ['forbidden', 'unauthorized', 'not_found', 'conflict', 'invalid', 'timeout'] as const) {
      expect(pauseBefore('again', 1, failure(kind), 9_000), kind).to.equal(null);
    }
  });
});
