import { type Bursar, PaymentSession } from '@bursar/core'
import type { FakeReach } from '@bursar/core/testing'
import { createApp } from '../../server/src/http/app.ts'
import { openListener } from '../../server/src/http/listener.ts'
import { ledgerVerifier } from '../../server/src/ledger/ledger-verifier.ts'
import { connect } from '../src/connect.ts'

/** A guard behind a real server, with a key for each role. */
export interface ServiceReach extends FakeReach {
  readonly url: string
  readonly keys: Readonly<Record<'payer' | 'manager' | 'end_user', string>>
}

export async function serviceReach(bursar: Bursar): Promise<ServiceReach> {
  const verify = ledgerVerifier(':memory:', bursar)
  const app = createApp({ bursar, verify, log: () => {} })
  const aborts = countAborts(app.fetch)
  const listener = await openListener(aborts.fetch, { host: '127.0.0.1', port: 0, tls: undefined })
  const { url } = listener
  const issue = (role: string, more: object = {}) =>
    bursar.administration.issueKey({ roles: [role] as never, expiresIn: '365d', ...more })
  const payer = await issue('payer')
  const manager = await issue('manager')
  const endUser = await issue('end_user', { endUser: 'alice' })
  const keys = { payer: payer.key, manager: manager.key, end_user: endUser.key }
  return {
    url,
    keys,
    payer: payer.id,
    key: payer.key,
    openSession: (token) => aborts.watchSession(connect({ url, key: payer.key, token })),
    arrived: aborts.waitForAborts,
    close: () => listener.closeServer(5_000),
  }
}

/** Wraps a request handler to count the aborted requests, both at the client and at the server. */
function countAborts(serve: (request: Request) => Promise<Response>): {
  fetch(request: Request): Promise<Response>
  watchSession(session: PaymentSession): PaymentSession
  waitForAborts(): Promise<void>
} {
  let sent = 0
  let seen = 0
  let reportAbort = (): void => {}
  return {
    fetch: async (request) => {
      const count = (): void => {
        seen += 1
        reportAbort()
      }
      request.signal.addEventListener('abort', count)
      try {
        return await serve(request)
      } finally {
        request.signal.removeEventListener('abort', count)
      }
    },
    watchSession: (session) =>
      new PaymentSession(session.id, {
        pay: async (request, call) => {
          const count = (): void => {
            sent += 1
          }
          call.signal?.addEventListener('abort', count)
          try {
            return await session.pay(request, call)
          } finally {
            call.signal?.removeEventListener('abort', count)
          }
        },
        quote: (request, call) => session.quote(request, call),
        prove: (challenge, call) => session.prove(challenge, call),
        conclude: (payment, message) => session.conclude(payment, message),
        status: () => session.status(),
        close: () => session.close(),
        openChild: (input, once) => session.openChild(input, once),
      }),
    waitForAborts: async () => {
      while (seen < sent) {
        await new Promise<void>((resolve) => {
          reportAbort = resolve
        })
      }
    },
  }
}
