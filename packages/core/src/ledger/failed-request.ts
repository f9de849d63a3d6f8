/**
 * The kinds of a failed request: the name could not be resolved (`dns`), no connection could be made
 * (`refused`), the certificate or the handshake was refused (`tls`), the peer speaks no HTTP/1.1
 * (`http2_only`), the deadline passed (`timeout`), the caller aborted (`aborted`), or the connection or the
 * response broke before a status (`broken`).
 */
export const requestFailures = [
  'dns',
  'refused',
  'tls',
  'http2_only',
  'timeout',
  'aborted',
  'broken',
] as const

/** A kind of a failed request. */
export type RequestFailure = (typeof requestFailures)[number]
