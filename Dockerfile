# The image of the proxy:
#   docker build -t migration-proxy:0.1.0 .                        the direct data plane
#   docker build -t migration-proxy:0.1.0-nginx --target nginx .   nginx is in it too
# It runs as user 10001 with a read-only root; it writes to /tmp and to what is mounted (--state-dir), nowhere else.
# test/full/image.test.ts carries these steps out without a Docker engine.

# The Node that package-lock.json has for development.
ARG NODE_VERSION=24.21.0
ARG DEBIAN=trixie

FROM node:${NODE_VERSION}-${DEBIAN}-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Without install scripts: the only one fetches a Node, and there is one here.
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN node scripts/build.ts
# What the program never reads: types, maps and the packages' own tests are half of their bytes.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.[cm]ts' -o -name '*.test.*js' \) -delete
COPY package.json LICENSE ./
COPY bin bin
COPY config config
COPY templates templates
RUN rm -rf src scripts tsconfig.json tsconfig.build.json package-lock.json node_modules/.package-lock.json

# Debian with Node alone: no npm, no headers, nothing set-uid. It is copied whole, so that what is removed weighs nothing.
FROM node:${NODE_VERSION}-${DEBIAN}-slim AS debian
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
           /usr/local/lib/node_modules /usr/local/include /usr/local/share /opt/yarn* \
           /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
           /usr/local/bin/nodejs /usr/local/bin/docker-entrypoint.sh \
 && groupadd --gid 10001 migration-proxy \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin migration-proxy \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && ln -s /opt/migration-proxy/bin/migration-proxy.mjs /usr/local/bin/migration-proxy

FROM scratch AS base
COPY --from=debian / /
COPY --from=build /build /opt/migration-proxy
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_ENV=production
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="migration-proxy" \
      org.opencontainers.image.description="Moves a service's traffic from an old Kubernetes cluster to a new one, and back by itself when the new one fails" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /opt/migration-proxy
# By number: `runAsNonRoot` asks for it.
USER 10001:10001
EXPOSE 8000 8080
# Kubernetes has its own probes. The process turns; how the clusters are is not asked.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "const port = /:(\\d+)$/.exec(process.env.MIGRATION_PROXY_ADMIN_LISTEN ?? '')?.[1] ?? 8080; fetch(`http://127.0.0.1:${port}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# -s: where a pod shares its process namespace tini is not the first process, and still reaps.
ENTRYPOINT ["/usr/bin/tini", "-s", "--", "node", "/opt/migration-proxy/bin/migration-proxy.mjs"]
CMD ["run"]

FROM base AS nginx
USER 0:0
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*
USER 10001:10001

FROM base AS direct
