import type { PaymentSession, PayResult } from '@bursar/core'
import type { FakeConduct } from '@bursar/core/testing'
import { expect } from 'vitest'
import { type GuardWorld, type GuardWorldOptions, guardWorld, shop } from './guard-world.ts'

/** Returns the option that gives every URL of the shop a conduct. */
export const conducting = (conduct: FakeConduct): Pick<GuardWorldOptions, 'resource'> => ({
  resource: () => ({ conduct }),
})

export const a: { url: string; purpose: string } = { url: shop('a'), purpose: 'read it' }
export const b: { url: string; purpose: string } = { url: shop('b'), purpose: 'read it' }

/** A world whose audit trail is verified when the test ends, unless it was closed before. */
export interface OpenWorld extends GuardWorld {
  /** Opens the session as another process would: without the state in this one's memory. */
  another(): PaymentSession
  /** Another session of the same delegation. */
  sibling(): Promise<PaymentSession>
  closed: boolean
  [Symbol.asyncDispose](): Promise<void>
}

export async function opened(options: GuardWorldOptions = {}): Promise<OpenWorld> {
  const world = await guardWorld(options)
  const opened: OpenWorld = {
    ...world,
    another: () => world.reopen().openSession(world.token),
    sibling: async () => {
      const { token } = await world.bursar.management.createSession({
        delegation: world.delegation,
        expiresIn: '30m',
        limits: { currency: 'USD', total: '1.00' },
      })
      return world.bursar.openSession(token)
    },
    closed: false,
    async [Symbol.asyncDispose]() {
      if (opened.closed) return
      const verified = await world.bursar.auditing.verify()
      expect(verified).toMatchObject({ ok: true })
    },
  }
  return opened
}

/** Waits until a payment holds budget. */
export async function untilHeld(session: PaymentSession): Promise<void> {
  while ((await session.status()).held === '0.00') await new Promise(setImmediate)
}

/** Returns a result's code, or its status if it has no code. */
export function codeOf(result: PayResult): string {
  return 'code' in result && result.code !== undefined ? result.code : result.status
}

export function paymentId(result: PayResult): string | undefined {
  return 'receipt' in result ? result.receipt.paymentId : undefined
}
