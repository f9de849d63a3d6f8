/**
 * The headers that frame a message or address a connection. Only the HTTP client sets them: if a caller
 * could, two readers of one request might disagree about its end.
 */
export const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
