/** The largest body of a request that carries no paid request. */
export const MAX_BODY_BYTES = 65_536

/** The largest body of a paid request: up to 256 KiB of content, and JSON escapes a byte with six. */
export const MAX_PAY_BODY_BYTES = 2_097_152

/** The largest body with a tool's response: up to 5 MiB of content, and JSON around and within it. */
export const MAX_CONCLUDE_BODY_BYTES = 8_388_608

/** The largest size of all headers of a request: a token, a key and a trace take a small part of it. */
export const MAX_HEADER_BYTES = 16_384

/** The longest URL of a request. It carries ids and a cursor. */
export const MAX_URL_LENGTH = 4_096

/** The most requests in flight in one server. Each may hold a connection for a minute. */
export const MAX_CONCURRENT = 1_000

/** The most requests of one caller in flight, so that one hanging agent leaves room for the others. */
export const MAX_CONCURRENT_PER_CALLER = 100

/** The most requests of one caller in a minute. Each session has its own rate besides. */
export const MAX_REQUESTS_PER_MINUTE = 6_000

/**
 * The largest sum of one caller's bodies in a minute. Parsing the largest body blocks the server for a
 * good part of a second.
 */
export const MAX_BODY_BYTES_PER_MINUTE = 134_217_728

/** The most unauthenticated requests in a minute, so that keys cannot be guessed. */
export const MAX_STRANGERS_PER_MINUTE = 3_000

/** The longest time for the TLS handshake and for the headers, and for the whole request. */
export const HEADERS_TIMEOUT_MS = 10_000
export const REQUEST_TIMEOUT_MS = 30_000

/** The longest time that a streamed line waits for its reader. The stream holds a read of the ledger open. */
export const MAX_UNREAD_MS = 60_000

/** The longest time that an idle connection stays open. */
export const KEEP_ALIVE_MS = 15_000

/** The most requests on one connection, so that a load balancer can distribute them again. */
export const MAX_REQUESTS_PER_SOCKET = 10_000

/** The most open connections of one server. */
export const MAX_CONNECTIONS = 2_000

/** The longest time that closing waits for requests in flight. No payment takes that long. */
export const SHUTDOWN_GRACE_MS = 90_000

/** Shortest and longest `Idempotency-Key`, in characters. */
export const MIN_IDEMPOTENCY_KEY = 16
export const MAX_IDEMPOTENCY_KEY = 100
