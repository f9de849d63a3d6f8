import { setTimeout as wait } from 'node:timers/promises'
import { BursarError } from '@bursar/core'

/** An RPC endpoint of a network. */
export interface RpcEndpoint {
  readonly network: string
  readonly url: string
  /**
   * The name in records and errors: `eip155:8453`, or `eip155:8453, rpc 2 of 3` for one of several. Its URL is in
   * neither, because it often has a key in it.
   */
  readonly label: string
  /** The longest wait for one answer, in milliseconds. */
  readonly timeoutMs: number
}

/** The longest wait for one answer of an only endpoint. Several share it, so that the last of them is asked in time. */
const RPC_TIMEOUT_MS = 10_000

/** Returns the endpoints of a network, in the order in which they are asked. */
export function rpcEndpoints(network: string, urls: readonly string[]): readonly RpcEndpoint[] {
  return urls.map((url, index) => {
    const place = urls.length === 1 ? '' : `, rpc ${index + 1} of ${urls.length}`
    const timeoutMs = Math.floor(RPC_TIMEOUT_MS / urls.length)
    return { network, url, label: `${network}${place}`, timeoutMs }
  })
}

/** The waits before a request is made again at the same endpoint, in milliseconds. */
const RETRY_WAITS_MS = [200, 400]

/** The codes with which endpoints refuse a request because there were too many. */
const busyCodes: readonly unknown[] = [429, -32_005, -32_016]

/** HTTP statuses that a later request may not get. */
const busyStatuses: readonly unknown[] = [408, 425, 429, 500, 502, 503, 504]

/**
 * Runs a read at an endpoint, at most three times. Runs it again if the endpoint is busy, or answers with what is no
 * JSON-RPC, such as a page; a request that timed out has had its time.
 */
export async function readEndpointWithRetry<Answer>(read: () => Promise<Answer>): Promise<Answer> {
  for (const waitMs of RETRY_WAITS_MS) {
    try {
      return await read()
    } catch (error) {
      if (!isBusyEndpoint(error)) throw error
    }
    await wait(waitMs)
  }
  return read()
}

/** Checks an error of viem and its causes for a refusal that is over soon. */
function isBusyEndpoint(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause as unknown) {
    const { name, code, status } = cause as Error & { code?: unknown; status?: unknown }
    if (name === 'TimeoutError') return false
    if (busyCodes.includes(code) || busyStatuses.includes(status)) return true
    if (name === 'SyntaxError') return true
    if (name === 'HttpRequestError' && status === undefined) return true
  }
  return false
}

/** Makes the error for an endpoint's failure. Returns an error of ours unchanged. */
export function endpointUnreachableError(
  label: string,
  problem: string,
  error: unknown,
): BursarError {
  if (BursarError.isInstance(error)) return error
  // The message and the cause of viem's errors hold the endpoint's URL. The short message does not.
  const { name = 'Error', shortMessage } = error as { name?: string; shortMessage?: string }
  const reason = [name, shortMessage].filter(Boolean).join(': ')
  return new BursarError('rail_unreachable', `${label}: ${problem}. ${reason}`)
}

/**
 * Asks endpoints in turn until one answers. Throws the error of the only one, or `rail_unreachable` with the words of
 * all.
 */
export async function askEndpointsInTurn<Endpoint, Answer>(
  endpoints: readonly Endpoint[],
  ask: (endpoint: Endpoint) => Promise<Answer>,
): Promise<Answer> {
  const failures: unknown[] = []
  for (const endpoint of endpoints) {
    try {
      return await ask(endpoint)
    } catch (error) {
      failures.push(error)
    }
  }
  throw joinEndpointFailures(failures)
}

/** Returns the only failure, or one error with the words of all. */
export function joinEndpointFailures(failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0]
  const words = failures.map((one) => (BursarError.isInstance(one) ? one.message : 'Failed.'))
  return new BursarError('rail_unreachable', words.join(' '))
}
