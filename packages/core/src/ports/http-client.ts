/** A request for the HTTP client. A paid request is sent a second time with the proof's headers added. */
export interface HttpRequest {
  /** The method in upper case, for example `GET`. */
  readonly method: string
  readonly url: URL
  /** The headers, each name once, in any case. Framing, `host` and `accept-encoding` are the client's. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

/**
 * The response to a request, with any status; a redirect is a response, too. Its author is a stranger, and
 * only its size was checked.
 */
export interface HttpResponse {
  readonly status: number
  /**
   * The headers as they were sent, with lower-case names. Repeated ones are joined with `, `. The headers
   * `content-encoding` and `content-length` are kept, and describe the body before it was decoded. The
   * object has no prototype, because a header may be called `constructor` or `__proto__`.
   */
  readonly headers: Readonly<Record<string, string>>
  /** The decoded body, cut at the client's bound. */
  readonly body: Uint8Array
  /** The `content-encoding` that the body still has, because the client does not know one of its codings. */
  readonly encoding?: string
  /** Whether the body was longer than the client's bound, and was cut there. */
  readonly truncated: boolean
  /** Whether the body ended early: by a reset, the deadline, or an encoding that cannot be read. */
  readonly broken: boolean
  /** The IP address that was dialled. */
  readonly remoteAddress: string
}

/** The options of one request. */
export interface HttpRequestOptions {
  /** Aborts the request, at any time until it resolves. */
  readonly signal?: AbortSignal | undefined
  /** The id of the end user: requests of two end users share no connection, cookie or cache. */
  readonly isolation: string
  /**
   * An object that only the two requests of one payment share. If the first is answered with 402, its
   * connection may be kept for the second, which has to go to an equal origin and address.
   */
  readonly payment?: object | undefined
  /**
   * Extends the client's deadline to this many milliseconds for this request. A shorter one changes nothing.
   */
  readonly minDeadlineMs?: number | undefined
}

/**
 * Sends requests to URLs that come from a model, a merchant or a tenant.
 *
 * If you implement it, keep these promises, because the safety of payments depends on them:
 * - Write a request to the wire at most once. Never retry, even if the peer hangs up before it answers:
 *   the request may carry a proof.
 * - Return a redirect, and do not follow it.
 * - End every request in bounded time and memory, whatever the peer does.
 * - Dial only an address that was checked for this request. An earlier resolution of the name is void.
 * - Share no connection, TLS session, cookie or cache between two isolations, or between two payments.
 *
 * Rejects with a `BursarError`. `request_refused` means that no connection was made, and its message says
 * which rule was broken and what to do; its cause has the code `https_required` if the URL only lacks https.
 * `request_failed` means that no status arrived, and the peer may have seen the request; its cause is a
 * `BursarError` with a code of `RequestFailure`. After the status and the headers only an abort rejects;
 * every other fault makes the response `broken`.
 */
export interface HttpClient {
  request(request: HttpRequest, options: HttpRequestOptions): Promise<HttpResponse>
  /** Refuses new requests, and resolves when the requests in flight have ended. */
  close(): Promise<void>
}
