import type { AuditEvent, Bursar } from '@bursar/core'
import type { Visit } from './agent.ts'

/** What the guard recorded about the price of a call. It is not in what the model is told. */
export interface Prices {
  /** `undefined` where nothing was asked for, or an earlier call had paid already. */
  priceOf(visit: Visit): string | undefined
}

type Priced = Extract<AuditEvent, { readonly type: 'payment-reserved' | 'payment-denied' }>

/** Listens to the guard's audit events, and finds the one that belongs to a call. */
export function listenForPrices(bursar: Bursar): Prices {
  const recorded: Priced[] = []
  bursar.auditing.subscribe((event) => {
    const priced = event.type === 'payment-reserved' || event.type === 'payment-denied'
    if (priced && event.amount !== undefined) recorded.push(event)
  })
  return {
    priceOf(visit) {
      const index = recorded.findIndex((event) => belongs(event, visit))
      const [event] = index < 0 ? [] : recorded.splice(index, 1)
      return event?.amount
    },
  }
}

function belongs(event: Priced, { input, result }: Visit): boolean {
  if (result.receipt) {
    return event.type === 'payment-reserved' && event.payment === result.receipt.id
  }
  const { pathname, host } = URL.parse(String(input.url)) ?? {}
  const same = event.path === pathname && event.host === host && event.purpose === input.purpose
  return same && (event.type === 'payment-denied') === (result.status === 'denied')
}
