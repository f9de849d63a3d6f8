import { connect } from '@bursar/client'

/** The task that an agent is started with, on every runtime. */
export interface Task {
  readonly url: string
  readonly key: string
  readonly token: string
  /** The URL of a resource that costs 0.01. */
  readonly resource: string
}

declare global {
  /** The task, built into the bundle because runtimes differ in how a program gets arguments. */
  const TASK: Task
}

/**
 * Pays, repeats the call, exceeds a limit, and ends its session. Returns the result of each step.
 */
export async function purchase({ url, key, token, resource }: Task): Promise<readonly string[]> {
  const session = connect({ url, key, token })
  const request = { url: resource, purpose: 'to have it' }
  const call = { conversation: 'chat-1', id: 'call-1' }
  const bought = await session.pay(request, call)
  const again = await session.pay(request, call)
  const dear = await session.pay(
    { ...request, url: `${resource}?again`, maxAmount: '0.001' },
    { ...call, id: 'call-2' },
  )
  const { remaining } = await session.status()
  await session.close()
  const late = await session.pay(request, { ...call, id: 'call-3' })
  const isSame =
    bought.status === 'paid' &&
    again.status === 'paid' &&
    bought.receipt.paymentId === again.receipt.paymentId
  const codes = [dear, late].map((one) => (one.status === 'denied' ? one.code : one.status))
  return [bought.status, isSame ? 'the same' : 'another', `${remaining}`, ...codes]
}
