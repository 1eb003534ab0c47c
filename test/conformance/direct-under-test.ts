/** The direct data plane as the conformance table sees it. It adds nothing to answers that the table does not expect. */
import { Direct } from '../support/direct.ts';
import { ANSWER_MS, type Plane } from './plane-under-test.ts';

export const DIRECT: Plane = {
  name: 'direct',
  addsToAnswers: [],
  openBodies: 'held',
  spreads: 'evenly',
  patienceMs: ANSWER_MS,
  longer: 1,
  async start({ names, limits, newTls, ...scripts }) {
    const lookup = async (host: string): Promise<readonly string[]> => {
      const addresses = names[host];
      if (addresses === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`);
      return addresses;
    };
    const direct = await Direct.start({ ...scripts, newTls, plane: { limits, lookup } });
    return {
      port: direct.port,
      old: direct.old,
      new: direct.new,
      outcomes: direct.outcomes,
      refused: direct.refused,
      serve: async (services) => direct.serve(services),
      setRunState: async (service, state) => direct.plane.setRunState(service, state),
      reported: async () => undefined,
      stop: () => direct.stop(),
    };
  },
  close: async () => undefined,
};
