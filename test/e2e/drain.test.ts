/** How the data plane ends: who is let go, who may finish, and what is cut at last. */
import { expect } from 'chai';
import { Direct, HOST } from '../support/direct.ts';
import { eventually, within } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { requestBytes } from '../support/raw-client.ts';

describe('draining', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  it('lets go of connections that never said a word, and answers the last request of one that did', async () => {
    direct = await Direct.start();
    const [silent, speaking] = [await direct.client(), await direct.client()];
    await eventually('both are in', () => direct.plane.connections().client === 2);
    const drained = direct.plane.drain(4_000);
    speaking.send(requestBytes({ host: HOST }));
    const response = await speaking.response();
    expect(response.status).to.equal(200);
    expect(field(response, 'connection')).to.equal('close');
    expect((await silent.closed(3_000)).length).to.equal(0);
    await within('drained', drained, 3_500);
  });

  it('cuts event streams at the deadline, and a second drain with less patience brings it forward', async () => {
    direct = await Direct.start({
      new: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n',
    });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    await client.queue.until('data: 1\n\n', 2_000);
    const patient = direct.plane.drain(60_000);
    const impatient = direct.plane.drain(100);
    await within('both are over', Promise.all([patient, impatient]), 3_000);
    await client.closed();
    await within('a third has nothing to do', direct.plane.drain(60_000), 3_000);
    expect(direct.outcomes.map(({ failure }) => failure)).to.deep.equal([null]);
  });
});
