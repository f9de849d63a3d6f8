/** The largest body of a request to the service, but for one that carries a paid request. */
export const MAX_BODY_BYTES = 65_536

/** A paid request may bring 256 KiB of its own, and JSON writes a byte with up to six. */
export const MAX_PAY_BODY_BYTES = 2_097_152

/** An answer of a tool is read up to 5 MiB, and JSON around and within it may take more. */
export const MAX_CONCLUDE_BODY_BYTES = 8_388_608

/** All headers of a request together: a token, a key and a trace fit many times over. */
export const MAX_HEADER_BYTES = 16_384

/** Longest URL of a request: ids and a cursor. */
export const MAX_URL_LENGTH = 4_096

/** Requests that are under way at once in one server; each may hold a connection for a minute. */
export const MAX_CONCURRENT = 1_000

/** Of them, one caller's: one agent that hangs must not keep the others out. */
export const MAX_CONCURRENT_PER_CALLER = 100

/** Requests of one caller in a minute. A session has a rate of its own on top. */
export const MAX_REQUESTS_PER_MINUTE = 6_000

/**
 * What one caller's bodies may have in a minute, all together: reading the largest takes a good part of
 * a second, in which nobody else is served.
 */
export const MAX_BODY_BYTES_PER_MINUTE = 134_217_728

/** Requests in a minute that nobody was recognised for: guesses end here. */
export const MAX_STRANGERS_PER_MINUTE = 3_000

/** How long a peer may take for its handshake, then to send its headers, and its whole request. */
export const HEADERS_TIMEOUT_MS = 10_000
export const REQUEST_TIMEOUT_MS = 30_000

/** How long lines of a stream wait for their reader: what nobody reads keeps a place of the ledger's. */
export const MAX_UNREAD_MS = 60_000

/** How long an idle connection is kept. */
export const KEEP_ALIVE_MS = 15_000

/** Requests on one connection, so that a balancer can spread them anew. */
export const MAX_REQUESTS_PER_SOCKET = 10_000

/** Open connections of one server. */
export const MAX_CONNECTIONS = 2_000

/** How long closing waits for requests under way: longer than any payment may take. */
export const SHUTDOWN_GRACE_MS = 90_000

/** Shortest and longest `Idempotency-Key`. */
export const MIN_IDEMPOTENCY_KEY = 16
export const MAX_IDEMPOTENCY_KEY = 100
