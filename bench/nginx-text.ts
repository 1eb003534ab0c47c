/**
 * nginx configurations of the measurement: ports and files in, text out. The backend answers; `plain` only passes on; `logged` also
 * says who asked and writes a line;
 * `canary` decides as the compared proxies do: header, four CIDRs, a tenth of the users, a tenth of the rest, falls back to
 * the old cluster, and writes a buffered log, which is how an outcome leaves nginx.
 */
import { oldHost } from '../test/support/many-services.ts';
import type { Backends, Spread } from './backends.ts';

export interface BackendFiles {
  readonly root: string;
  readonly cert: string;
  readonly key: string;
}

/** The backend keeps a connection or two for each of 5 000 services. */
const WORKER_CONNECTIONS = 32_768;

export function backendText(
  ports: { plain: readonly number[]; tls: readonly number[]; address: '127.0.0.1' | '0.0.0.0' },
  files: BackendFiles,
  prefix: string,
): string {
  const listens = [
    ...ports.plain.map((port) => `listen ${ports.address}:${port};`),
    ...ports.tls.map((port) => `listen ${ports.address}:${port} ssl;`),
  ];
  return frame(
    prefix,
    `access_log off;
  keepalive_requests 1000000000;
  server {
    ${listens.join('\n    ')}
    ssl_certificate ${files.cert};
    ssl_certificate_key ${files.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    default_type application/json;
    add_header X-Served-By bench;
    add_header Cache-Control no-store;
    location / { return 200 "${'x'.repeat(1024)}"; }
    location /large { root ${files.root}; try_files /large.bin =404; }
  }`,
  );
}

/** With many services a server and an upstream for each, and nothing to decide. */
export function plainText(port: number, backends: Backends, prefix: string, spread: Spread | null): string {
  const server = (name: string, upstream: string): string => `server {
    listen 127.0.0.1:${port};
    server_name ${name};
    keepalive_requests 1000000000;
    location / {
      proxy_pass ${scheme(backends)}://${upstream};
      ${passing(backends)}
    }
  }`;
  if (spread === null) return frame(prefix, `access_log off;\n  ${upstreams(backends)}\n  ${server('_', 'old')}`);
  const each = Array.from({ length: spread.hosts }, (_, i) => {
    const upstream = `upstream old-${i} { server ${spread.address(i)}:${backends.oldPort} max_fails=0; keepalive 256; keepalive_timeout 4s; }`;
    return `${upstream}\n  ${server(oldHost(i), `old-${i}`)}`;
  });
  const sizes = 'server_names_hash_max_size 32768;\n  server_names_hash_bucket_size 256;';
  return frame(prefix, `access_log off;\n  ${sizes}\n  ${each.join('\n  ')}`);
}

/** What any proxy does that tells its backend who asked, names each request, and writes down what became of it: no decision. */
export function loggedText(port: number, backends: Backends, prefix: string): string {
  return frame(
    prefix,
    `log_format outcome '$msec\\t$status\\t$request_time';
  access_log ${prefix}/access.log outcome buffer=64k flush=1s;
  ${upstreams(backends)}
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000;
    location / {
      proxy_pass ${scheme(backends)}://old;
      ${passing(backends)}
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-ID $connection-$connection_requests;
      add_header X-Request-ID $connection-$connection_requests;
    }
  }`,
  );
}

export function canaryText(port: number, backends: Backends, prefix: string): string {
  return frame(
    prefix,
    `log_format outcome escape=json '{"t":"$msec","c":"$final","s":"$upstream_status","d":"$upstream_response_time"}';
  access_log ${prefix}/access.log outcome buffer=64k flush=1s;
  split_clients "bench:$http_x_user_id" $by_user { 10% new; * ""; }
  split_clients $request_id $by_weight { 10% new; * old; }
  geo $by_ip { default ""; 10.0.0.0/8 new; 172.16.0.0/12 new; 192.168.0.0/16 old; 203.0.113.0/24 new; }
  map $http_x_canary $by_header { default ""; new new; old old; }
  map $http_x_user_id $with_user { "" $by_weight; default $user_or_weight; }
  map $by_user $user_or_weight { "" $by_weight; default $by_user; }
  map $by_ip $ip_or_user { "" $with_user; default $by_ip; }
  map $by_header $final { "" $ip_or_user; default $by_header; }
  ${upstreams(backends)}
  server {
    listen 127.0.0.1:${port};
    server_name bench.test;
    keepalive_requests 1000000000;
    location / {
      proxy_pass ${scheme(backends)}://$final;
      ${passing(backends)}
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Request-ID $request_id;
      add_header X-Request-ID $request_id;
      proxy_intercept_errors on;
      error_page 502 503 504 = @old;
    }
    location @old {
      proxy_pass ${scheme(backends)}://old;
      ${passing(backends)}
    }
  }`,
  );
}

function frame(prefix: string, http: string): string {
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${prefix}/${kind};`)
    .join('\n  ');
  return `${user}daemon off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log;
events { worker_connections ${WORKER_CONNECTIONS}; }
http {
  ${temp}
  ${http}
}
`;
}

function scheme({ caFile }: Backends): string {
  return caFile === null ? 'http' : 'https';
}

function upstreams({ oldPort, newPort }: Backends): string {
  const block = (name: string, port: number): string =>
    `upstream ${name} { server 127.0.0.1:${port} max_fails=0; keepalive 256; keepalive_requests 1000000000; }`;
  return `${block('old', oldPort)}\n  ${block('new', newPort)}`;
}

function passing({ caFile }: Backends): string {
  const plain = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;';
  if (caFile === null) return plain;
  return `${plain}
      proxy_ssl_trusted_certificate ${caFile}; proxy_ssl_verify on; proxy_ssl_name bench.test; proxy_ssl_server_name on;`;
}
