/**
 * Credentials that take more than reading, by the client package: exec plug-ins (EKS, GKE, AKS), auth providers (OIDC) and
 * proxies. In: the entries of a kubeconfig. Out: options for requests. The package is loaded at the first request.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Credentials } from './credentials.ts';
import { type CurrentContext, textOf } from './kubeconfig.ts';

export function packageCredentials(from: CurrentContext & { readonly server: string }): Credentials {
  const { clusterEntry, namespace, server } = from;
  let config: Promise<KubeConfig> | null = null;
  return {
    server,
    namespace: namespace?.trim() || 'default',
    isProxied: textOf(clusterEntry, 'proxy-url') !== null,
    applyTo: async (options) => {
      // One for all requests: it keeps the tokens of its plug-ins until they run out.
      config ??= load(from);
      await (await config).applyToHTTPSOptions(options);
    },
  };
}

async function load({
  clusterEntry,
  server,
  userEntry,
}: Parameters<typeof packageCredentials>[0]): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const { tokenFile, ...user } = userEntry;
  // The package asks for it with http. Where that may go is settled before.
  const http = server.startsWith('http:') ? { 'insecure-skip-tls-verify': true } : {};
  config.loadFromString(
    JSON.stringify({
      clusters: [{ name: 'cluster', cluster: { ...clusterEntry, server, ...http } }],
      // It knows `token-file` alone, and reads that once.
      users: [
        {
          name: 'user',
          user: tokenFile ? { ...user, 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } : user,
        },
      ],
      contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
      'current-context': 'context',
    }),
  );
  return config;
}
