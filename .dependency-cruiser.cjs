/**
 * Which room may import which: the pure core stays pure, third-party types end at the shell, and there are no circles.
 * The same list in words is in ARCHITECTURE.md.
 */
const PURE = '^src/(migration|allocator|fallback|routing|http1|status|proxy/rewrite)(/|\\.ts$)';
const TEST = '\\.test\\.ts$';

/** Files of `room` may import, of our own rooms, itself and `allowed`; their tests as well as what they test. */
function room(name, allowed) {
  return {
    name: `${name}-imports-only-${allowed.join('-') || 'itself'}`,
    severity: 'error',
    from: { path: `^src/${name}/`, pathNot: TEST },
    to: { path: '^src/', pathNot: `^src/(${[name, ...allowed].join('|')})/` },
  };
}

/** Only files that match `from` may import the packages. */
function only(name, from, packages) {
  return {
    name,
    severity: 'error',
    from: { path: '^src/', pathNot: `${from}|${TEST}` },
    to: { path: `node_modules/(${packages})(/|$)` },
  };
}

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'no-tests-in-the-product', severity: 'error', from: { path: '^src/', pathNot: TEST }, to: { path: TEST } },
    {
      name: 'pure-rooms-touch-no-system',
      severity: 'error',
      from: { path: PURE, pathNot: TEST },
      to: {
        path: '^(node:)?(fs|net|tls|dns|http|https|http2|dgram|child_process|cluster|worker_threads|os|process|timers)(/|$)',
      },
    },
    {
      name: 'pure-rooms-use-no-shell-packages',
      severity: 'error',
      from: { path: PURE, pathNot: TEST },
      to: { path: 'node_modules/(express|prom-client|pino|commander|http-proxy-middleware|@kubernetes)(/|$)' },
    },
    room('migration', []),
    room('allocator', ['migration']),
    room('fallback', ['migration']),
    room('routing', ['migration', 'allocator', 'fallback']),
    room('http1', []),
    {
      name: 'status-stays-off-the-shell',
      severity: 'error',
      from: { path: '^src/status/', pathNot: TEST },
      to: { path: '^src/(proxy|nginx|controller|kubernetes|demo|admin|cli|checks)/' },
    },
    {
      name: 'planes-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/proxy/' },
      to: { path: '^src/nginx/' },
    },
    {
      name: 'planes-do-not-know-each-other-2',
      severity: 'error',
      from: { path: '^src/nginx/' },
      to: { path: '^src/proxy/' },
    },
    {
      name: 'the-command-line-is-the-outermost',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    only('client-node-in-kubernetes-only', '^src/kubernetes/', '@kubernetes/client-node'),
    only('express-and-prom-client-in-admin-only', '^src/admin/', 'express|prom-client|http-proxy-middleware'),
    only('commander-in-cli-only', '^src/cli/', 'commander'),
    only('yaml-and-zod-at-the-edge-of-migration', '^src/(migration|cli|kubernetes)/', 'zod|yaml'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
