/**
 * The other replicas, as the admin server of any of them shows them: who they are, and every path of theirs behind their name.
 * Reads are open as they are everywhere; what may change something passes our guard first, so that wrong tokens are counted
 * against who sends them, and then that of the replica.
 */

import type { ReplicaSeen } from './backend.ts';
import type { AdminContext, Endpoint } from './endpoint.ts';
import { sendProblem } from './problem.ts';
import { isReplicaAddress, REPLICAS_PATH, replicaTarget } from './replica-path.ts';
import { isReplicaProof } from './replica-proof.ts';
import { createReplicaProxy } from './replica-proxy.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { WriteGuard } from './write-guard.ts';

export function replicaEndpoints({ backend, token }: AdminContext, guard: WriteGuard): readonly Endpoint[] {
  const handOver = createReplicaProxy(Object.keys(SECURITY_HEADERS).map((name) => name.toLowerCase()));

  const passOn: Endpoint['answer'] = (request, response) => {
    const asked = replicaTarget(request.url);
    if ('problem' in asked) return sendProblem(response, { code: 'bad_request', detail: asked.problem });
    const refused = request.method === 'GET' || request.method === 'HEAD' ? null : guard(request);
    if (refused !== null) return sendProblem(response, refused);
    const replica = backend.replicas().find(({ name }) => name === asked.name);
    if (replica === undefined) {
      return sendProblem(response, {
        code: 'no_such_replica',
        detail: `no replica of that name is alive; \`migration-proxy status\`, or GET ${REPLICAS_PATH}, lists those that are`,
      });
    }
    const { name, address, proof } = replica;
    if (address === null || !isReplicaAddress(address)) {
      const detail = `replica ${name} has no address that others can reach: its admin server listens on loopback, or POD_IP is not set`;
      return sendProblem(response, { code: 'unavailable', detail });
    }
    const shown = typeof token === 'function' ? token() : token;
    if (shown !== null && !isReplicaProof(proof, shown, { name, address })) {
      return sendProblem(response, { code: 'unavailable', detail: unproven(name), headers: { 'Retry-After': '60' } });
    }
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    if (isWrite && !replica.isFresh) return sendProblem(response, { code: 'unavailable', detail: unheard(replica) });
    return handOver(request, response, { replica: name, address, target: asked.target });
  };

  return [
    {
      method: 'GET',
      path: REPLICAS_PATH,
      summary: 'The replicas that are alive',
      answer: (_, response) => {
        response.json({
          replicas: backend
            .replicas()
            .map(({ address: _address, proof: _proof, isFresh: _isFresh, ...shown }) => shown),
        });
      },
    },
    ...(['GET', 'PATCH', 'POST'] as const).map((method) => ({
      method,
      path: `${REPLICAS_PATH}/{name}/{rest}`,
      summary: `The answer of that replica to ${method} /{rest}`,
      answer: passOn,
    })),
  ];
}

function unheard({ name, seen_at }: ReplicaSeen): string {
  return `replica ${name} was last heard of at ${seen_at}: its address may be another's by now, so no token is sent there; write to it directly, or to this replica`;
}

/** A token that was changed reaches every pod within about a minute. */
function unproven(name: string): string {
  return `the address of replica ${name} was not written by anybody with our admin token: the replica has another token or none, or the register was forged; nothing is sent there`;
}
