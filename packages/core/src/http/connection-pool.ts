import type { Connection } from './http-exchange.ts'

/** The milliseconds until a kept connection is closed: longer than its own keep-alive time. */
const FORGET_MS = 1_500

/** The most connections kept at once. One more closes the oldest. */
const MAX_KEPT = 100

/** The idle connections that wait for the second request of their payment. */
export interface ConnectionPool {
  /** Keeps a payment's connection for its second request, and closes any it had before. */
  keep(payment: object, isolation: string, connection: Connection): void
  /**
   * Removes and returns a payment's connection. Returns undefined if the payment has none, or closes
   * the connection and returns undefined if the isolation, origin or address differs.
   */
  take(payment: object, isolation: string, origin: string, address: string): Connection | undefined
  /** Closes every kept connection. */
  close(): void
}

/** Creates an empty pool of kept connections. */
export function connectionPool(): ConnectionPool {
  interface Kept {
    readonly isolation: string
    readonly connection: Connection
    readonly timer: NodeJS.Timeout
  }
  const kept = new Map<object, Kept>()
  const closeConnection = (payment: object): void => {
    const one = kept.get(payment)
    kept.delete(payment)
    clearTimeout(one?.timer)
    one?.connection.close()
  }
  return {
    keep(payment, isolation, connection) {
      closeConnection(payment)
      const timer = setTimeout(() => closeConnection(payment), FORGET_MS).unref()
      kept.set(payment, { isolation, connection, timer })
      const [oldest] = kept.keys()
      if (kept.size > MAX_KEPT && oldest) closeConnection(oldest)
    },
    take(payment, isolation, origin, address) {
      const one = kept.get(payment)
      if (!one) return undefined
      const { connection } = one
      const isSame =
        one.isolation === isolation &&
        connection.origin === origin &&
        connection.address === address
      if (!isSame) {
        closeConnection(payment)
        return undefined
      }
      kept.delete(payment)
      clearTimeout(one.timer)
      return connection
    },
    close() {
      for (const payment of [...kept.keys()]) closeConnection(payment)
    },
  }
}
