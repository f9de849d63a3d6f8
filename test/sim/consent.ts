import type { AuditEvent } from '@bursar/core'
import type { ModelPayment } from './model-payment.ts'

/** The model's own account of known merchants and of human approvals. */
export interface Consent {
  /** Returns a sentence if the record is of a payment that lacks the approval it needs. */
  take(event: AuditEvent, at: number): string | undefined
  reserved(paid: ModelPayment, termsHash: string): void
  moved(paid: ModelPayment | undefined, event: AuditEvent): void
}

interface Yes {
  readonly session: string
  readonly termsHash: string
  readonly expiresAt: number
  state: 'waiting' | 'granted' | 'denied' | 'used'
}

export function createConsent(): Consent {
  const pins = new Map<string, { payee: string; payments: number }>()
  const approvals = new Map<string, Yes>()
  let asking: { readonly paid: ModelPayment; readonly termsHash: string } | undefined
  const pinOf = ({
    delegation,
    host,
    payee,
  }: ModelPayment): { payee: string; payments: number } => {
    const name = `${delegation.id} ${host}`
    const known = pins.get(name) ?? { payee, payments: 0 }
    if (known.payments <= 0) known.payee = payee
    pins.set(name, known)
    return known
  }
  const used = (
    yes: Yes | undefined,
    paid: ModelPayment,
    termsHash: string,
    at: number,
  ): boolean => {
    const isGood =
      yes?.state === 'granted' &&
      yes.session === paid.session.id &&
      yes.termsHash === termsHash &&
      at < yes.expiresAt
    if (yes) yes.state = 'used'
    return isGood
  }
  return {
    take(event, at) {
      const waiting = asking
      asking = undefined
      if (waiting) {
        const { paid, termsHash } = waiting
        const yes = event.type === 'approval-used' ? approvals.get(event.approval) : undefined
        const isSaid = used(yes, paid, termsHash, at)
        return isSaid ? undefined : `L4: ${paid.id} was reserved without a yes`
      }
      if (event.type === 'approval-requested') {
        const { session, termsHash, expiresAt } = event
        approvals.set(event.approval, { session, termsHash, expiresAt, state: 'waiting' })
      }
      const yes = 'approval' in event ? approvals.get(event.approval) : undefined
      if (event.type === 'approval-granted' && yes) yes.state = 'granted'
      if (event.type === 'approval-denied' && yes) yes.state = 'denied'
      if (event.type !== 'approval-used' || !yes) return undefined
      const isTwice = yes.state !== 'granted'
      yes.state = 'used'
      return isTwice ? `L4: ${event.approval} was used, and was not a yes` : undefined
    },
    reserved(paid, termsHash) {
      const pin = pinOf(paid)
      if (pin.payee !== paid.payee) asking = { paid, termsHash }
      pin.payments += 1
    },
    moved(paid, event) {
      if (!paid) return
      if (event.type === 'payment-released') pinOf(paid).payments -= 1
      if (event.type === 'payment-settled' && event.overrun) pinOf(paid).payments += 1
    },
  }
}
