import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@bursar/client'
import { BursarError, type PayResult } from '@bursar/core'
import type { Belief } from './belief.ts'

/** A session that several clients share until it is used up. */
export interface SharedSession {
  token: string
  /** Opens the next session, unless another client has opened it already. */
  next(usedUp: string): Promise<void>
}

/** The options of a client that sends payments. */
export interface ClientOptions {
  readonly name: string
  readonly key: string
  readonly session: SharedSession
  /** The servers, which the client calls in turn. */
  readonly urls: readonly string[]
  /** Returns the URL of a resource that was not requested before. */
  readonly resource: () => string
  readonly isOver: () => boolean
  readonly believe: (belief: Belief) => void
}

/** The number of attempts at a call without an answer, as by a restarted agent. */
const MAX_ASKED = 4

const PAUSE_MS = 300

/** Sends calls, one after the other, until the load ends. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { name, key, session, resource, isOver, believe } = options
  for (let number = 0; !isOver(); number += 1) {
    const { token } = session
    const call = { conversation: name, id: `${number}` }
    const url = resource()
    const { answer, paymentId, isUsedUp } = await ask(options, token, url, call)
    believe({ token, key, call, url, answer, ...(paymentId === undefined ? {} : { paymentId }) })
    if (isUsedUp) await session.next(token)
  }
}

/** The result of one call of a client. */
interface Asked {
  readonly answer: string
  readonly paymentId?: string | undefined
  readonly isUsedUp: boolean
}

async function ask(
  { urls, key }: ClientOptions,
  token: string,
  url: string,
  call: Belief['call'],
): Promise<Asked> {
  let answer = ''
  for (let asked = 0; asked < MAX_ASKED; asked += 1) {
    const server = urls[(asked + Number(call.id)) % urls.length] ?? ''
    try {
      const session = connect({ url: server, key, token })
      return told(await session.pay({ url, purpose: 'load' }, call))
    } catch (error) {
      if (!BursarError.isInstance(error)) throw error
      answer = error.code
      if (!/^(outcome_unknown|service_unreachable|store_busy)$/.test(answer)) break
      await delay(PAUSE_MS)
    }
  }
  return { answer, isUsedUp: false }
}

function told(result: PayResult): Asked {
  const paymentId = 'receipt' in result ? result.receipt.paymentId : undefined
  // A host whose payments stay in doubt asks from then on: the next session has a delegation of its own.
  const usedUp = ['session_limit_exceeded', 'approval_required']
  const isUsedUp = 'code' in result && usedUp.includes(result.code ?? '')
  return { answer: result.status, paymentId, isUsedUp }
}
