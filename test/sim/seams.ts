import {
  BursarError,
  type HttpClient,
  type HttpResponse,
  type Rail,
  type Wallet,
} from '@bursar/core'
import { type FakeChain, type FakeMerchant, fakeRail, fakeSignature } from '@bursar/core/testing'
import type { Faults } from './faults.ts'
import type { Process, Scheduler } from './scheduler.ts'

/** The simulated surroundings of a guard. */
export interface Outside {
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly chain: FakeChain
  readonly merchant: FakeMerchant
  /** Counts a signature, and checks that it was allowed. */
  signed(nonce: string): void
}

/** Creates a wallet that may refuse, throw or hang, with or without having signed. */
export function simulatedWallet(outside: Outside, process: Process, address: string): Wallet {
  const { scheduler, faults, chain } = outside
  return {
    families: ['evm'],
    address: async () => address,
    sign: async (request) => {
      const fate = await scheduler.later(process, 'ask the signer', () => {
        const decided = faults.signer()
        if (request.kind === 'transfer-authorization' && decided.startsWith('signs')) {
          outside.signed(request.nonce)
          // A signature that was lost on its way may still reach a merchant.
          if (decided !== 'signs') {
            chain.receive({ authorization: request, signature: fakeSignature(request) })
          }
        }
        return decided
      })
      return scheduler.later(process, `the signer ${fate}`, () => {
        switch (fate) {
          case 'signs':
            return { signature: fakeSignature(request) }
          case 'refuses':
            return { notSigned: 'wallet_unavailable', reason: 'simulated' } as const
          case 'throws':
          case 'signs and throws':
            throw new Error('The simulated signer failed.')
          case 'hangs':
          case 'signs and hangs':
            return new Promise<never>(() => {})
          default:
            return fate satisfies never
        }
      })
    },
  }
}

/** Creates the fake rail behind a network, which sometimes breaks its promises. */
export function simulatedRail(outside: Outside, process: Process): Rail {
  const { scheduler, faults, chain } = outside
  const rail = fakeRail({ chain, cancels: true })
  const ask = async <Answer>(label: string, query: () => Promise<Answer>): Promise<Answer> => {
    const fate = faults.chain()
    if (fate === 'hangs') return new Promise<never>(() => {})
    const answer = await scheduler.later(process, label, () => {
      if (fate === 'throws') throw new Error('The simulated node does not answer.')
      return query()
    })
    return scheduler.later(process, 'the chain answers', () => answer)
  }
  return {
    ...rail,
    balance: (asset, address) => ask('ask for a balance', () => rail.balance(asset, address)),
    reconcile: (payment) => ask(`ask about ${payment.paymentId}`, () => rail.reconcile(payment)),
    cancel: (payment, sign) => ask(`cancel ${payment.paymentId}`, () => rail.cancel(payment, sign)),
    prove: async (authorization, echo, sign) => {
      const fate = faults.prover()
      if (fate === 'asks for more') {
        const { terms } = authorization
        const more = { ...authorization, terms: { ...terms, atomic: terms.atomic + 1n } }
        return rail.prove(more, echo, sign)
      }
      const proof = await rail.prove(authorization, echo, sign)
      if (fate === 'asks twice') await rail.prove(authorization, echo, sign)
      if (fate === 'throws after signing') throw new Error('The simulated rail failed.')
      return proof
    },
  }
}

/** Creates a network before the merchants. A sent request may arrive after its process died. */
export function simulatedHttp(outside: Outside, process: Process): HttpClient {
  const { scheduler, faults, merchant } = outside
  return {
    request: async (request, options) => {
      const fate = faults.delivery()
      const label = `${request.method} ${request.url.pathname} is ${fate}`
      const outcome = await scheduler.later(undefined, label, async () => {
        if (fate === 'lost') return dropped()
        const first = await answerOf(merchant.request(request, options))
        if (fate === 'delivered twice') await answerOf(merchant.request(request, options))
        return fate === 'answer lost' ? dropped() : first
      })
      return scheduler.later(process, `receive ${request.url.pathname}`, () => {
        if (options.signal?.aborted) throw new BursarError('request_failed', 'Aborted.')
        if (outcome instanceof Error) throw outcome
        return outcome
      })
    },
    close: async () => {},
  }
}

function dropped(): BursarError {
  return new BursarError('request_failed', 'The simulated connection broke.')
}

async function answerOf(answer: Promise<HttpResponse>): Promise<HttpResponse | Error> {
  try {
    return await answer
  } catch (error) {
    return error instanceof Error ? error : new Error('The merchant failed.')
  }
}
