/**
 * nginx's own answers in the stable codes of docs/http.md. In: a status. Out: the code under which such a request counts as
 * refused; null where nobody was answered.
 */
const CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  404: 'no_such_host',
  405: 'method_not_allowed',
  408: 'request_timeout',
  411: 'bad_request',
  413: 'content_too_large',
  414: 'uri_too_long',
  417: 'expectation_failed',
  431: 'header_too_large',
  494: 'header_too_large',
  501: 'not_implemented',
  505: 'version_not_supported',
};

/** The client went, or nginx closed without a word. */
const SILENT: readonly number[] = [444, 499];

export function refusalCode(status: number): string | null {
  if (SILENT.includes(status)) return null;
  return CODES[status] ?? (status >= 500 ? 'internal_error' : 'bad_request');
}

/** A request that a service took, refused while it was read: its head or body broke the rules, or came too late. */
export function refusesTheRequest(status: number): boolean {
  return status !== 404 && CODES[status] !== undefined;
}
