import type { AuditEvent, Bursar } from '@bursar/core'
import type { ToolCall } from './agent.ts'

/** The prices that the guard recorded. The model's results do not have them. */
export interface Prices {
  /** Returns the price of a call, or undefined if none was asked or an earlier call had paid. */
  priceOf(toolCall: ToolCall): string | undefined
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
    priceOf(toolCall) {
      const index = recorded.findIndex((event) => isRecordOf(event, toolCall))
      const [event] = index < 0 ? [] : recorded.splice(index, 1)
      return event?.amount
    },
  }
}

function isRecordOf(event: Priced, { input, result }: ToolCall): boolean {
  if (result.receipt) {
    return event.type === 'payment-reserved' && event.payment === result.receipt.id
  }
  const { pathname, host } = URL.parse(String(input.url)) ?? {}
  const same = event.path === pathname && event.host === host && event.purpose === input.purpose
  return same && (event.type === 'payment-denied') === (result.status === 'denied')
}
