import { expect } from 'chai';
import fc from 'fast-check';
import { type WatchEvent, WatchStream } from './watch-stream.ts';

const object = (name: string, resourceVersion: string) => ({ metadata: { namespace: 'shop', name, resourceVersion } });
const line = (type: string, value: unknown) => `${JSON.stringify({ type, object: value })}\n`;
const stream = () => new WatchStream('https://api');
const told = (events: readonly WatchEvent[]) =>
  events.map((event) =>
    event.kind === 'failed'
      ? event.failure.kind
      : event.kind === 'bookmark'
        ? `bookmark ${event.resourceVersion}`
        : `${event.kind} ${event.object.meta.name} ${event.object.meta.resourceVersion}`,
  );

describe('the stream of a watch', () => {
  it('gives the same events however its bytes are cut', () => {
    const bytes = Buffer.from(
      line('ADDED', { ...object('ä', '1'), data: { 'migration.yaml': 'zürich: "✓"\n' } }) +
        line('MODIFIED', object('a', '2')) +
        line('BOOKMARK', { metadata: { resourceVersion: '7' } }) +
        line('DELETED', object('a', '8')),
    );
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const places = [0, ...cuts.sort((x, y) => x - y), bytes.length];
        const one = stream();
        const events = places.slice(1).flatMap((end, i) => one.push(bytes.subarray(places[i], end)));
        expect(told(events)).to.deep.equal(['added ä 1', 'modified a 2', 'bookmark 7', 'deleted a 8']);
        expect(one.end()).to.equal(null);
      }),
    );
  });

  it('calls a line that breaks off a failure, at the end and in the middle', () => {
    const cut = stream();
    expect(told(cut.push(Buffer.from(`${line('ADDED', object('a', '1'))}{"type":"MODI`)))).to.deep.equal(['added a 1']);
    expect(cut.end()?.message).to.contain('an event that breaks off');

    const middle = stream().push(Buffer.from(`{"type":"MODI\n${line('ADDED', object('a', '1'))}`));
    expect(told(middle)).to.deep.equal(['server']);
  });

  it('takes no object without a name or a version, and no event of an unknown type', () => {
    for (const text of [
      line('ADDED', {}),
      line('ADDED', { metadata: { name: 'a' } }),
      line('ADDED', null),
      line('ADDED', { ...object('a', '1'), data: { k: 7 } }),
      line('BOOKMARK', { metadata: {} }),
      line('HELLO', object('a', '1')),
      'null\n',
      '<html>\n',
    ]) {
      expect(told(stream().push(Buffer.from(text))), text).to.deep.equal(['server']);
    }
  });

  it('knows what an ERROR event means', () => {
    const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 3 (7)' };
    const [event] = stream().push(Buffer.from(line('ERROR', gone)));
    expect(told([event])).to.deep.equal(['gone']);
    expect(event.kind === 'failed' && event.failure.message).to.contain('too old resource version');
    expect(told(stream().push(Buffer.from(line('ERROR', { code: 500 }))))).to.deep.equal(['server']);
    expect(told(stream().push(Buffer.from(line('ERROR', null))))).to.deep.equal(['server']);
  });

  it('does not keep a line without an end in memory', () => {
    const one = stream();
    const megabyte = Buffer.alloc(1024 * 1024, 'x');
    const events = Array.from({ length: 17 }, () => one.push(megabyte)).flat();
    expect(told(events)).to.deep.equal(['server']);
  });
});
