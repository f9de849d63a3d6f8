import type { Connection } from './http-exchange.ts'

/** The time in milliseconds after which a kept connection is closed. */
const FORGET_MS = 1_500

/** The most kept connections. A new one closes the oldest. */
const MAX_KEPT = 100

/** A pool of connections, each kept between the two requests of one payment. */
export interface ConnectionPool {
  /** Keeps a payment's connection for its second request. */
  keep(payment: object, isolation: string, connection: Connection): void
  /**
   * Removes and returns a payment's connection. Returns undefined, and closes the connection, if it belongs to
   * another isolation, origin or address.
   */
  take(payment: object, isolation: string, origin: string, address: string): Connection | undefined
  /** Closes all kept connections. */
  close(): void
}

/** Makes an empty connection pool. */
export function createConnectionPool(): ConnectionPool {
  interface KeptConnection {
    readonly isolation: string
    readonly connection: Connection
    readonly timer: NodeJS.Timeout
  }
  const kept = new Map<object, KeptConnection>()
  const closeKept = (payment: object): void => {
    const entry = kept.get(payment)
    kept.delete(payment)
    clearTimeout(entry?.timer)
    entry?.connection.close()
  }
  return {
    keep(payment, isolation, connection) {
      closeKept(payment)
      const timer = setTimeout(() => closeKept(payment), FORGET_MS).unref()
      kept.set(payment, { isolation, connection, timer })
      const [oldest] = kept.keys()
      if (kept.size > MAX_KEPT && oldest) closeKept(oldest)
    },
    take(payment, isolation, origin, address) {
      const entry = kept.get(payment)
      if (!entry) return undefined
      const { connection, timer } = entry
      const isReusable =
        entry.isolation === isolation &&
        connection.origin === origin &&
        connection.address === address
      if (!isReusable) {
        closeKept(payment)
        return undefined
      }
      kept.delete(payment)
      clearTimeout(timer)
      return connection
    },
    close() {
      for (const payment of [...kept.keys()]) closeKept(payment)
    },
  }
}
