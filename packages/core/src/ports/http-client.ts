/**
 * A request as it goes to the wire, and goes again, unchanged but for the proof, when it is paid.
 */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string
  readonly url: URL
  /** Names in any case, each once; framing, `host` and `accept-encoding` belong to the client. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

/**
 * What came back, whatever the status; a redirect is a response like any other.
 * All of it was written by a stranger, and its size is all that was checked.
 */
export interface HttpResponse {
  readonly status: number
  /**
   * As they were sent, with lower-case names; repeated ones are joined with `, `. After a decoded
   * body they still say `content-encoding` and the encoded `content-length`.
   * The object has no prototype: a header may be called `constructor` or `__proto__`.
   */
  readonly headers: Readonly<Record<string, string>>
  /** Decoded, and at most the client's bound. */
  readonly body: Uint8Array
  /** The body was longer than the bound, and was cut there. */
  readonly truncated: boolean
  /** The body ended before it was complete: reset, deadline, or an encoding that cannot be read. */
  readonly broken: boolean
  /** The IP address that was dialled. */
  readonly remoteAddress: string
}

/** How a request is made. */
export interface HttpRequestOptions {
  /** Ends the request, at any moment until it resolves. */
  readonly signal?: AbortSignal | undefined
  /** The end user's id: requests that differ in it may share nothing that a merchant can see. */
  readonly isolation: string
  /**
   * The same object for the two requests of one payment, and for no others. An answer of 402 to the
   * first may keep its connection for the second, if that goes to the same place and address.
   */
  readonly payment?: object | undefined
}

/**
 * Sends requests to URLs that come from a model, a merchant or a tenant.
 *
 * The implementer keeps these promises, for payments rest on them:
 * - A request is written to the wire at most once. Never retry, not even when the peer hung up
 *   before it answered: it may carry a proof.
 * - A redirect is returned, never followed.
 * - Every request ends by itself, in bounded time and memory, whatever the peer does.
 * - Only an address that was checked for this very request is dialled; what a name resolved to
 *   before says nothing.
 * - Nothing is shared between isolations: no connection, no TLS session, no cookie, no cache. Nor is
 *   anything shared between requests that do not name the same payment.
 *
 * Rejects with a `BursarError`: `request_refused` promises that nothing was dialled, and its
 * message says which rule was broken and the way out; `request_failed` is every other end without a
 * status, an abort included, and promises nothing about what the peer has seen. Once a status and
 * its headers are there, only an abort still rejects: what breaks after them is `broken`.
 */
export interface HttpClient {
  request(request: HttpRequest, options: HttpRequestOptions): Promise<HttpResponse>
  /** Refuses new requests, and resolves when those under way have ended. */
  close(): Promise<void>
}
