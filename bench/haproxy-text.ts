/** HAProxy's configuration of the measurement, with the same decision as the nginx one: ports and files in, text out. */
import type { Backends } from './backends.ts';

export function haproxyText(port: number, { oldPort, newPort, caFile }: Backends): string {
  const tls = caFile === null ? '' : ` ssl verify required ca-file ${caFile} sni str(bench.test) verifyhost bench.test`;
  const backend = (name: string, to: number): string => `backend ${name}
  server ${name} 127.0.0.1:${to}${tls} maxconn 512 pool-max-conn 256
`;
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 30s
  http-reuse always
  retries 1
  option redispatch
frontend in
  bind 127.0.0.1:${port}
  unique-id-format %[uuid()]
  http-request set-header X-Request-ID %[unique-id]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  acl by_header req.hdr(X-Canary) -m str new
  acl by_ip src 10.0.0.0/8 172.16.0.0/12 203.0.113.0/24
  acl by_user req.hdr(X-User-ID),sdbm(1),mod(10) -m int 0
  acl by_weight rand(10) -m int 0
  use_backend new if by_header or by_ip or by_user or by_weight
  default_backend old
${backend('old', oldPort)}${backend('new', newPort)}`;
}
