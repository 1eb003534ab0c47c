/** Rows that are a request and why it is refused: nothing of it reaches a backend, and the client is told and left. */
import { expect } from 'chai';
import { field } from '../support/http-message.ts';
import type { RawClient, RawResponse } from '../support/raw-client.ts';
import { errorIn, onStage, request, type Stage } from './stage.ts';
import type { Case } from './theme.ts';

export interface Refused {
  readonly what: string;
  readonly status: number;
  /** `error` of the body. */
  readonly code: string;
  readonly bytes: string;
}

/** Two cases a row: alone, and behind a good request in the same write. What follows a refusal is never a request. */
export function refusalCases(rows: readonly Refused[]): Case[] {
  const behind = request('GET', '/never');
  return rows.flatMap((row): Case[] => [
    {
      name: row.what,
      run: (plane) =>
        onStage(plane, {}, async (stage) => {
          const client = await stage.client();
          client.send(row.bytes + behind);
          await expectRefusal(stage, client, row);
          expect(stage.received).to.equal('');
        }),
    },
    {
      name: `${row.what}, behind a good request`,
      run: (plane) =>
        onStage(plane, {}, async (stage) => {
          const client = await stage.client();
          client.send(request('GET', '/good') + row.bytes + behind);
          const good = await client.response({ withinMs: stage.patienceMs });
          expect(good.status).to.equal(200);
          await expectRefusal(stage, client, row);
          expect(stage.received).to.equal(stage.only('new').head);
          expect(stage.only('new').startLine).to.equal('GET /good HTTP/1.1');
        }),
    },
  ]);
}

/** The answer says why in JSON, names its request, and is the connection's last; the refusal is counted once. */
export async function expectRefusal(
  stage: Stage,
  client: RawClient,
  { status, code }: Pick<Refused, 'status' | 'code'>,
): Promise<RawResponse> {
  const answer = await client.response({ withinMs: stage.patienceMs });
  expect([answer.status, errorIn(answer)]).to.deep.equal([status, code]);
  expect(field(answer, 'connection')).to.equal('close');
  expect(JSON.parse(answer.body.toString()).request_id).to.equal(field(answer, 'x-request-id'));
  expect((await client.closed(stage.patienceMs)).toString('latin1')).to.equal('');
  expect(await stage.refused()).to.deep.equal([code]);
  return answer;
}
