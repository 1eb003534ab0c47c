/** Rows that are a request, the clusters that are asked for it in order, and what its client is told in the end. */
import { expect } from 'chai';
import type { Cluster } from '../../src/migration/model.ts';
import type { RawResponse } from '../support/raw-client.ts';
import type { ServiceText } from './configuration.ts';
import { errorIn, type Given, onStage } from './stage.ts';
import type { Case } from './theme.ts';

export const UNREACHABLE = '502 upstream_unreachable';
export const INVALID = '502 upstream_invalid_response';
export const LATE = '504 upstream_timeout';

/** Waits that a case can afford. */
export const SHORT = { global: { default_timeout: '250ms', connect_timeout: '250ms' } };
/** Bodies beyond it are not kept for another attempt, bytes. */
export const CAP = 4096;

export const fallback = (changes: object): ServiceText => ({
  fallback: { enabled: true, max_failures: 5, ...changes },
});

/** What becomes of a request. */
export interface Course {
  readonly asked: readonly string[];
  readonly told: string;
}

/**
 * `asked`: outcomes in their order, as `new reset`; each that is neither connect, dns nor tls has brought the request there,
 * whole. `told`: the status, and the code of an error of the proxy's own.
 * `streamed`: what becomes of it in a plane that streams such a body.
 */
export function attempt(
  name: string,
  make: Given | (() => Given),
  bytes: string,
  asked: readonly string[],
  told: string,
  streamed: Course | null = null,
): Case {
  return {
    name,
    run: (plane) => {
      const course = plane.openBodies === 'streamed' && streamed !== null ? streamed : { asked, told };
      const given = typeof make === 'function' ? make() : make;
      return onStage(plane, { limits: { replayBytes: CAP }, ...given }, async (stage) => {
        const method = bytes.slice(0, bytes.indexOf(' '));
        const answer = await stage.ask(bytes);
        expect(toldBy(answer, method)).to.equal(method === 'HEAD' ? course.told.slice(0, 3) : course.told);
        expect(await stage.outcomes(course.asked.length)).to.deep.equal(course.asked);
        for (const cluster of ['old', 'new'] as const) {
          const unread = cluster === 'new' && given.service?.new_protocol === 'https';
          const arrived = unread ? 0 : course.asked.filter((outcome) => arrives(outcome, cluster)).length;
          expect(stage.requestsAt(cluster).length, `requests at ${cluster}`).to.equal(arrived);
          for (const seen of stage.requestsAt(cluster)) {
            const body = /^Transfer-Encoding/m.test(bytes) ? 'hello' : bytes.slice(bytes.indexOf('\r\n\r\n') + 4);
            expect(seen.body.toString() === body, 'the body is whole').to.equal(true);
          }
        }
      });
    },
  };
}

/** The request of an attempt that ended so has arrived. */
function arrives(outcome: string, cluster: Cluster): boolean {
  return outcome.startsWith(cluster) && !/ (connect|dns|tls)$/.test(outcome);
}

/** What the client is told: `200`, `502 code`. */
function toldBy(answer: RawResponse, method: string): string {
  const code = method === 'HEAD' ? null : errorIn(answer);
  return code === null ? String(answer.status) : `${answer.status} ${code}`;
}
