import type { Socket } from 'node:net';
import { expect } from 'chai';
import { Scratch } from './scratch.ts';

/** Takes nothing at once and keeps the very buffers that it was given, as a socket does whose peer reads slowly. */
function slowSocket() {
  const queue: Buffer[] = [];
  const socket = {
    get writableLength() {
      return queue.reduce((sum, bytes) => sum + bytes.length, 0);
    },
    write: (bytes: Buffer) => queue.push(bytes) > 0,
  };
  return { queue, socket: socket as unknown as Socket };
}

describe('proxy/scratch', () => {
  it('bytes that wait are not written over, and hold no more than themselves but for the first', () => {
    const scratch = new Scratch(32 * 1024);
    const { queue, socket } = slowSocket();
    const texts = ['first event', 'second event', 'third event', 'fourth event'];
    for (const text of texts) scratch.send(socket, scratch.buf.write(text), 'lend');
    expect(queue.map(String)).to.deep.equal(texts);
    const held = new Set(queue.slice(1).map((bytes) => bytes.buffer));
    expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).to.be.lessThan(scratch.buf.length);
  });

  it('sends nothing of what it had no room for', () => {
    const scratch = new Scratch(1);
    const { queue, socket } = slowSocket();
    expect(() => scratch.send(socket, scratch.buf.length + 2, 'lend')).to.throw(RangeError);
    expect(queue).to.deep.equal([]);
  });
});
