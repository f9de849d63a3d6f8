import { AsyncResource } from 'node:async_hooks'
import type { PaymentSession } from '@bursar/core/session'
import {
  asksForPayment,
  cancelledId,
  isAnswer,
  type McpId,
  type McpMessage,
  type McpToolCall,
  toolCallIn,
  withoutReceipts,
} from './mcp-message.ts'
import { assertPayer, type Payer, paidAnswer, toolsWithOutput } from './paid-call.ts'

/** What `payingTransport` takes. */
export interface PayingTransportOptions {
  /** The session that pays for every call of this connection. */
  readonly session: PaymentSession
  /**
   * The server, as you name it and never as it names itself: a host such as `tools.example.com`. The
   * session's merchants have to list it with its payees, because the guard has not dialled it.
   */
  readonly server: string
}

/** A client's transport, in the shape that the SDKs of MCP and the clients of frameworks share. */
export interface McpTransport {
  start(): Promise<void>
  send(message: never, options?: never): Promise<void>
  close(...rest: never[]): Promise<void>
  onmessage?: ((message: never, extra?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
}

/**
 * Wraps a client's transport, so that calls of paid tools (x402 over MCP) are paid within a session.
 * It stays what it was: give it to whichever client took it before.
 *
 * The client gets the tool's own result where it was paid, without its receipt, or a result with the
 * same JSON that a model gets of `pay_within_session`. A call that a client gives up is stopped until
 * its payment is reserved; later its answer is waited for, and the same call gets it. So does `close`,
 * for up to 5 s.
 * Throws `invalid_input` for what is no `PaymentSession`, and for a server without a name.
 *
 * @example
 * const transport = new StreamableHTTPClientTransport(new URL('https://tools.example.com/mcp'))
 * await client.connect(payingTransport(transport, { session, server: 'tools.example.com' }))
 */
export function payingTransport<Transport extends McpTransport>(
  transport: Transport,
  options: PayingTransportOptions,
): Transport {
  const { session, server } = options
  assertPayer('payingTransport', server, typeof session === 'function' ? undefined : session)
  const source = 'payingTransport'
  const connection = createConnection(transport, {
    source,
    session,
    server,
    tools: toolsWithOutput(),
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

/** What stands before the transport; the client sets its handlers here. */
interface Connection {
  start(): Promise<void>
  send(message: McpMessage, options?: SendOptions): Promise<void>
  close(...rest: unknown[]): Promise<void>
  onmessage: ((message: McpMessage, extra?: unknown) => void) | undefined
  onclose: (() => void) | undefined
}

/** What the clients' SDKs give along; each knows some of them. */
interface SendOptions {
  readonly signal?: AbortSignal
  readonly resumptionToken?: string
}

/** A call of the client that has no answer yet. */
interface OpenCall {
  readonly message: McpToolCall
  readonly options: SendOptions | undefined
  /** Where the call was made, so that spans nest there. */
  readonly scope: AsyncResource
  readonly stop: AbortController
  /** From the moment on that its server asked for payment. */
  isPaid: boolean
  /** The client does not wait for it any more. */
  isGivenUp: boolean
}

/** Calls that wait at the same time; the oldest are not paid for any more. */
const MAX_CALLS = 1_000

function createConnection(transport: McpTransport, payer: Payer): Connection {
  const calls = new Map<McpId, OpenCall>()
  const proofs = createProofs(transport)
  const paying = new Set<Promise<void>>()
  const giveUp = (id: McpId): OpenCall | undefined => {
    const call = calls.get(id)
    if (!call) return undefined
    call.isGivenUp = true
    call.stop.abort()
    if (!call.isPaid) calls.delete(id)
    return call
  }
  const pay = async (call: OpenCall, challenge: McpMessage, extra: unknown): Promise<void> => {
    const { message, options, stop } = call
    const send = (proof: McpToolCall) => proofs.send(proof, options)
    const answer = await paidAnswer(payer, { call: message, challenge, signal: stop.signal, send })
    calls.delete(message.id)
    if (!call.isGivenUp) own.onmessage?.(answer, extra)
  }
  const receive = (message: McpMessage, extra?: unknown): void => {
    if (isAnswer(message) && proofs.take(message.id, message)) return
    const call = isAnswer(message) ? calls.get(message.id) : undefined
    // A second answer to a call that is being paid: nobody has asked for it.
    if (call?.isPaid) return
    payer.tools.see(message)
    if (call && asksForPayment(message)) {
      call.isPaid = true
      const work = call.scope.runInAsyncScope(() => pay(call, message, extra))
      paying.add(work)
      void work.finally(() => paying.delete(work))
      return
    }
    if (call) calls.delete(call.message.id)
    own.onmessage?.(call ? withoutReceipts(message) : message, extra)
  }
  const closed = (): void => {
    proofs.close()
    for (const id of [...calls.keys()]) giveUp(id)
  }
  const own: Connection = {
    start: () => {
      proofs.open()
      return transport.start()
    },
    send: async (message, options) => {
      const given = cancelledId(message)
      if (given !== undefined && giveUp(given)?.isPaid) return
      const call = toolCallIn(message)
      if (!call) return transport.send(message as never, options as never)
      keep(calls, call, options, () => giveUp(call.id))
      try {
        return await transport.send(message as never, options as never)
      } catch (error) {
        if (!calls.get(call.id)?.isPaid) calls.delete(call.id)
        throw error
      }
    },
    // Who closes while something is paid gets what was bought, and can close the guard after it.
    close: async (...rest) => {
      for (const id of [...calls.keys()]) giveUp(id)
      await heard(paying)
      await transport.close(...(rest as never[]))
      closed()
      await Promise.all(paying)
    },
    onmessage: undefined,
    onclose: undefined,
  }
  transport.onmessage = receive as McpTransport['onmessage']
  transport.onclose = () => {
    closed()
    own.onclose?.()
  }
  return own
}

/** How long a connection stays open for what is paid: without its answer that would be in doubt. */
const MAX_CLOSE_MS = 5_000

async function heard(paying: ReadonlySet<Promise<void>>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MAX_CLOSE_MS)
  })
  await Promise.race([Promise.all(paying), late])
  clearTimeout(timer)
}

/** The calls that carry a proof, and wait for their answers. */
interface Proofs {
  /** Resolves with the answer; with `undefined` where none can come any more. */
  send(message: McpToolCall, options: SendOptions | undefined): Promise<McpMessage | undefined>
  /** Whether the answer belongs to one of them, which has it then. */
  take(id: McpId, answer: McpMessage | undefined): boolean
  open(): void
  close(): void
}

function createProofs(transport: McpTransport): Proofs {
  const waiting = new Map<McpId, (answer: McpMessage | undefined) => void>()
  let isOpen = true
  const take: Proofs['take'] = (id, answer) => {
    const give = waiting.get(id)
    waiting.delete(id)
    give?.(answer)
    return give !== undefined
  }
  return {
    take,
    // Its id is another one: what a client says of its own call, a cancellation above all, never
    // concerns the one that carries the proof. Neither does its signal.
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

function keep(
  calls: Map<McpId, OpenCall>,
  message: McpToolCall,
  options: SendOptions | undefined,
  giveUp: () => void,
): void {
  calls.set(message.id, {
    message,
    options,
    scope: new AsyncResource('BursarToolCall'),
    stop: new AbortController(),
    isPaid: false,
    isGivenUp: false,
  })
  if (calls.size > MAX_CALLS) calls.delete(calls.keys().next().value ?? message.id)
  options?.signal?.addEventListener('abort', giveUp, { once: true })
}
