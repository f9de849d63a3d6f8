import type { Connection } from './http-exchange.ts'

/** Longer than a kept connection is good for: then it is forgotten, and hung up. */
const FORGET_MS = 1_500

/** Payments between their two requests at the same time; the oldest connection makes room. */
const MAX_KEPT = 100

/** Connections that wait for the second request of their payment. */
export interface KeptConnections {
  keep(payment: object, isolation: string, connection: Connection): void
  /** Takes a payment's connection out: it is used once more, or not at all. */
  take(payment: object, isolation: string, origin: string, address: string): Connection | undefined
  close(): void
}

export function keptConnections(): KeptConnections {
  interface Kept {
    readonly isolation: string
    readonly connection: Connection
    readonly timer: NodeJS.Timeout
  }
  const kept = new Map<object, Kept>()
  const end = (payment: object): void => {
    const one = kept.get(payment)
    kept.delete(payment)
    clearTimeout(one?.timer)
    one?.connection.close()
  }
  return {
    keep(payment, isolation, connection) {
      end(payment)
      const timer = setTimeout(() => end(payment), FORGET_MS).unref()
      kept.set(payment, { isolation, connection, timer })
      const [oldest] = kept.keys()
      if (kept.size > MAX_KEPT && oldest) end(oldest)
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
        end(payment)
        return undefined
      }
      kept.delete(payment)
      clearTimeout(one.timer)
      return connection
    },
    close() {
      for (const payment of [...kept.keys()]) end(payment)
    },
  }
}
