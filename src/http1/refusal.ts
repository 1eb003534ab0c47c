/**
 * Why a message is refused: the status that a client gets, a stable code (error bodies, metrics) and one sentence.
 * Each reason is one frozen object, so that a refusal costs nothing and can be compared by identity.
 * Nothing that a client sent is ever quoted here.
 */
export interface Refusal {
  readonly status: 400 | 405 | 408 | 413 | 414 | 417 | 431 | 501 | 505;
  /** snake_case; never renamed. */
  readonly code: string;
  readonly detail: string;
}

function refusal(status: Refusal['status'], code: string, detail: string): Refusal {
  return Object.freeze({ status, code, detail });
}

function bad(detail: string): Refusal {
  return refusal(400, 'bad_request', detail);
}

export const REFUSAL = Object.freeze({
  // the request line
  METHOD: bad('The method is no token followed by one space.'),
  METHOD_LENGTH: refusal(501, 'not_implemented', 'The method is longer than 32 bytes.'),
  METHOD_NOT_ALLOWED: refusal(405, 'method_not_allowed', 'CONNECT and TRACE are not served.'),
  EMPTY_LINES: bad('Too many empty lines stand before the request.'),
  TARGET: bad('The request target is no path, no http URL and not the * of OPTIONS.'),
  TARGET_BYTE: bad('The request target holds a control character.'),
  TARGET_FRAGMENT: bad('The request target has a fragment.'),
  TARGET_AUTHORITY: bad("The request target's authority is malformed or has user information."),
  TARGET_QUERY: bad('The request target has a query but no path.'),
  VERSION: bad('The request line does not end in one space, HTTP/1.0 or HTTP/1.1, and CR LF.'),
  VERSION_NOT_SUPPORTED: refusal(505, 'version_not_supported', 'Only HTTP/1.0 and HTTP/1.1 are served.'),
  URI_TOO_LONG: refusal(414, 'uri_too_long', 'The request line is longer than a head may be.'),
  // the status line
  STATUS_LINE: bad('The status line is not HTTP/1.0 or HTTP/1.1, a status of 100 to 999, and a reason.'),
  REASON: bad('The reason phrase holds a control character.'),
  // field lines
  FOLDED: bad('A header line begins with white space (line folding).'),
  EMPTY_NAME: bad('A header line has no name.'),
  NAME: bad('A header name holds a byte that is not allowed, or is not followed by a colon.'),
  VALUE: bad('A header value holds a control character.'),
  BARE_CR: bad('A CR stands without its LF.'),
  BARE_LF: bad('A LF stands without its CR.'),
  TOO_MANY_LINES: refusal(431, 'header_too_large', 'The head has too many lines.'),
  HEAD_TOO_LARGE: refusal(431, 'header_too_large', 'The head is too large.'),
  // what the lines mean
  HOST_MISSING: bad('There is no Host.'),
  HOST_REPEATED: bad('There is more than one Host.'),
  HOST: bad('Host is no host name or address with an optional port.'),
  LENGTH: bad('Content-Length is no decimal number.'),
  LENGTH_REPEATED: bad('There is more than one Content-Length.'),
  LENGTH_OVERFLOW: refusal(413, 'content_too_large', 'Content-Length is larger than 2^53 - 1.'),
  LENGTH_AND_CODING: bad('Both Content-Length and Transfer-Encoding are there.'),
  CODING: bad('Transfer-Encoding is not "chunked".'),
  CODING_REPEATED: bad('There is more than one Transfer-Encoding.'),
  CODING_OLD_VERSION: bad('HTTP/1.0 has no Transfer-Encoding.'),
  CODING_UNKNOWN: refusal(501, 'not_implemented', 'No transfer coding but chunked is served.'),
  CONNECTION: bad('Connection names more headers than a head may have.'),
  EXPECTATION: refusal(417, 'expectation_failed', 'Only the expectation 100-continue is served.'),
} as const);
