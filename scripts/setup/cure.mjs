/**
 * What a person can do when the set-up could not: npm's own words in, one sentence out. Refuses to try anything itself.
 */
export class SetupError extends Error {
  constructor(what, cure) {
    super(`${what}\n  cure: ${cure}`);
    this.name = 'SetupError';
  }
}

const CURES = [
  [/spawn npm ENOENT/, 'npm is not on the PATH: install it (Debian: apt-get install npm)'],
  [/ENOSPC|no space left/i, 'the disk is full: free about 1 GB, then again'],
  [/EACCES|EPERM|EROFS/, 'the checkout is not writable for this user: change its owner or work on a copy'],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|network/i,
    "the package registry does not answer: look at the network and at 'npm config get registry' (proxies: HTTPS_PROXY), then again",
  ],
  [
    /CERT_|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/,
    "the registry's certificate is not trusted: set NODE_EXTRA_CA_CERTS to your CA, then again",
  ],
  [/E401|E403/, "the package registry refuses this user: look at 'npm whoami' and .npmrc, then again"],
  [
    /EUSAGE|can only install packages when|in sync/,
    "package.json and package-lock.json differ: 'npm install' once, then again",
  ],
  [/EINTEGRITY|ETARGET|E404/, "a package is not what the lock file says: 'npm cache verify', then again"],
];

/** The sentence for npm's output or a spawn error; never empty. */
export function cureFor(output) {
  const cure = CURES.find(([pattern]) => pattern.test(output));
  return cure === undefined ? "read npm's words above; 'rm -rf node_modules' and again often helps" : cure[1];
}
