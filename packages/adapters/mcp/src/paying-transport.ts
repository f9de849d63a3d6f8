import { AsyncResource } from 'node:async_hooks'
import type { PaymentSession } from '@bursar/core/session'
import {
  isMcpAnswer,
  isPaymentChallengeMessage,
  type McpId,
  type McpMessage,
  type McpToolCall,
  parseMcpCancelledId,
  parseMcpToolCall,
  removeMcpReceipts,
} from './mcp-message.ts'
import {
  assertPayerOfCall,
  createStructuredPaidTools,
  type Payer,
  payForCall,
} from './paid-call.ts'

/** The options of `payingTransport`. */
export interface PayingTransportOptions {
  /** The session that pays for every call of this connection. */
  readonly session: PaymentSession
  /**
   * The server's host, such as `tools.example.com`. Name it yourself: the server's own word proves
   * nothing. The session's merchants must list the host with its payees, because the guard has not
   * dialled it.
   */
  readonly server: string
}

/** A client's transport, in the shape that MCP's SDKs and the frameworks' clients share. */
export interface McpTransport {
  start(): Promise<void>
  send(message: never, options?: never): Promise<void>
  close(...rest: never[]): Promise<void>
  onmessage?: ((message: never, extra?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
}

/**
 * Wraps a client's transport, so that calls of paid tools (x402 over MCP) are paid within a
 * session. Give the wrapped transport to the client that took the original.
 *
 * If the call was paid, the client gets the tool's own result without its receipt. Otherwise it
 * gets the JSON that a model reads from `pay_within_session`. Cancelling a call stops it only
 * before its payment is reserved. Afterwards the answer is awaited, and an identical call gets it.
 * `close` waits for such answers up to 5 s. Throws `invalid_input` if `session` is no
 * `PaymentSession`, or if `server` is empty.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { payingTransport } from '@bursar/mcp'
 * import { Client } from '@modelcontextprotocol/sdk/client/index.js'
 * import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
 *
 * declare const session: PaymentSession
 *
 * const client = new Client({ name: 'researcher', version: '1.0.0' })
 * const transport = new StdioClientTransport({ command: 'market-tools' })
 * await client.connect(payingTransport(transport, { session, server: 'tools.example.com' }))
 * ```
 */
export function payingTransport<Transport extends McpTransport>(
  transport: Transport,
  options: PayingTransportOptions,
): Transport {
  const { session, server } = options
  assertPayerOfCall('payingTransport', server, typeof session === 'function' ? undefined : session)
  const source = 'payingTransport'
  const connection = createTransportConnection(transport, {
    source,
    session,
    server,
    tools: createStructuredPaidTools(),
  })
  return new Proxy(transport, {
    get: (target, name) => {
      if (Object.hasOwn(connection, name)) return connection[name as keyof Connection]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, name, value) =>
      Object.hasOwn(connection, name)
        ? Reflect.set(connection, name, value)
        : Reflect.set(target, name, value, target),
  })
}

/** The members that the proxy replaces. The client sets its handlers here. */
interface Connection {
  start(): Promise<void>
  send(message: McpMessage, options?: SendOptions): Promise<void>
  close(...rest: unknown[]): Promise<void>
  onmessage: ((message: McpMessage, extra?: unknown) => void) | undefined
  onclose: (() => void) | undefined
}

/** The options that the clients' SDKs send along. Each SDK sends some of them. */
interface SendOptions {
  readonly signal?: AbortSignal
  readonly resumptionToken?: string
}

/** A call of the client that has no answer yet. */
interface OpenCall {
  readonly message: McpToolCall
  readonly options: SendOptions | undefined
  /** The async context of the call, so that spans nest in the caller's span. */
  readonly scope: AsyncResource
  readonly stop: AbortController
  /** True once its server has asked for payment. */
  isPaid: boolean
  /** True once the client has cancelled the call. */
  isCancelled: boolean
}

/** The most calls that wait at the same time. The oldest of them can no longer be paid for. */
const MAX_CALLS = 1_000

function createTransportConnection(transport: McpTransport, payer: Payer): Connection {
  const calls = new Map<McpId, OpenCall>()
  const proofs = createTransportProofs(transport)
  const paying = new Set<Promise<void>>()
  const cancelCall = (id: McpId): OpenCall | undefined => {
    const call = calls.get(id)
    if (!call) return undefined
    call.isCancelled = true
    call.stop.abort()
    if (!call.isPaid) calls.delete(id)
    return call
  }
  const pay = async (call: OpenCall, challenge: McpMessage, extra: unknown): Promise<void> => {
    const { message, options, stop } = call
    const send = (provenCall: McpToolCall) => proofs.send(provenCall, options)
    const answer = await payForCall(payer, { call: message, challenge, signal: stop.signal, send })
    calls.delete(message.id)
    if (!call.isCancelled) connection.onmessage?.(answer, extra)
  }
  const receive = (message: McpMessage, extra?: unknown): void => {
    if (isMcpAnswer(message) && proofs.take(message.id, message)) return
    const call = isMcpAnswer(message) ? calls.get(message.id) : undefined
    // The server must not answer twice. The payment's own answer will follow.
    if (call?.isPaid) return
    payer.tools.learn(message)
    if (call && isPaymentChallengeMessage(message)) {
      call.isPaid = true
      const work = call.scope.runInAsyncScope(() => pay(call, message, extra))
      paying.add(work)
      void work.finally(() => paying.delete(work))
      return
    }
    if (call) calls.delete(call.message.id)
    connection.onmessage?.(call ? removeMcpReceipts(message) : message, extra)
  }
  const cancelAll = (): void => {
    proofs.close()
    for (const id of [...calls.keys()]) cancelCall(id)
  }
  const connection: Connection = {
    start: () => {
      proofs.open()
      return transport.start()
    },
    send: async (message, options) => {
      const cancelled = parseMcpCancelledId(message)
      if (cancelled !== undefined && cancelCall(cancelled)?.isPaid) return
      const call = parseMcpToolCall(message)
      if (!call) return transport.send(message as never, options as never)
      trackTransportCall(calls, call, options, () => cancelCall(call.id))
      try {
        return await transport.send(message as never, options as never)
      } catch (error) {
        if (!calls.get(call.id)?.isPaid) calls.delete(call.id)
        throw error
      }
    },
    // Delivers the results of calls that are being paid before it closes, and resolves when none is
    // left: the application may close the guard afterwards.
    close: async (...rest) => {
      for (const id of [...calls.keys()]) cancelCall(id)
      await waitForTransportAnswers(paying)
      await transport.close(...(rest as never[]))
      cancelAll()
      await Promise.all(paying)
    },
    onmessage: undefined,
    onclose: undefined,
  }
  transport.onmessage = receive as McpTransport['onmessage']
  transport.onclose = () => {
    cancelAll()
    connection.onclose?.()
  }
  return connection
}

/**
 * The longest that `close` waits for the answers of paid calls. A payment without its answer is in
 * doubt.
 */
const MAX_CLOSE_MS = 5_000

async function waitForTransportAnswers(paying: ReadonlySet<Promise<void>>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MAX_CLOSE_MS)
  })
  await Promise.race([Promise.all(paying), late])
  clearTimeout(timer)
}

/** The calls that were sent with a proof and wait for their answers. */
interface Proofs {
  /** Sends a call. Resolves with the answer, or with undefined if none can come any more. */
  send(message: McpToolCall, options: SendOptions | undefined): Promise<McpMessage | undefined>
  /** Gives the answer to the call with this id. Returns false if no such call waits. */
  take(id: McpId, answer: McpMessage | undefined): boolean
  open(): void
  close(): void
}

function createTransportProofs(transport: McpTransport): Proofs {
  const waiting = new Map<McpId, (answer: McpMessage | undefined) => void>()
  let isOpen = true
  const take: Proofs['take'] = (id, answer) => {
    const resolve = waiting.get(id)
    waiting.delete(id)
    resolve?.(answer)
    return resolve !== undefined
  }
  return {
    take,
    // The call has a new id and no signal, so that the client cannot cancel a payment that is on
    // its way.
    send: (message, options) => {
      const id = `bursar-${crypto.randomUUID()}`
      const answer = new Promise<McpMessage | undefined>((resolve) => waiting.set(id, resolve))
      const { signal, resumptionToken, ...kept } = options ?? {}
      if (isOpen)
        transport.send({ ...message, id } as never, kept as never).catch(() => take(id, undefined))
      else take(id, undefined)
      return answer
    },
    open: () => {
      isOpen = true
    },
    close: () => {
      isOpen = false
      for (const id of [...waiting.keys()]) take(id, undefined)
    },
  }
}

function trackTransportCall(
  calls: Map<McpId, OpenCall>,
  message: McpToolCall,
  options: SendOptions | undefined,
  cancelCall: () => void,
): void {
  calls.set(message.id, {
    message,
    options,
    scope: new AsyncResource('BursarToolCall'),
    stop: new AbortController(),
    isPaid: false,
    isCancelled: false,
  })
  if (calls.size > MAX_CALLS) calls.delete(calls.keys().next().value ?? message.id)
  options?.signal?.addEventListener('abort', cancelCall, { once: true })
}
