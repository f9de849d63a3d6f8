import { connect } from '@bursar/client'
import type { PaymentSession } from '@bursar/core'
import type { FakeChain } from '@bursar/core/testing'
import { serve } from 'bursar'
import { raceParts } from './guard.ts'

/** The part of a server that racing payers use. */
export interface RaceService {
  openSession(token: string): PaymentSession
  close(): Promise<void>
}

/** Starts a process's own server over the shared store and chain, and connects a client to it. */
export async function raceService(
  place: string,
  chain: FakeChain,
  key: string,
): Promise<RaceService> {
  const config = { ...raceParts(chain), database: place, listen: { port: 0 } }
  const service = await serve(config, { environment: {}, log: () => {} })
  return {
    openSession: (token) => connect({ url: service.url, key, token }),
    close: () => service.close(),
  }
}
