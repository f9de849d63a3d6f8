/** The id of a request, as JSON-RPC has it. */
export type McpId = string | number

/** A message of MCP, in the parts that are looked at. Whatever else it has is passed on as it is. */
export interface McpMessage {
  readonly jsonrpc?: string
  readonly id?: McpId | null
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

/** A client's call of a tool. */
export interface McpToolCall extends McpMessage {
  readonly id: McpId
  readonly method: 'tools/call'
  readonly params: {
    readonly name: string
    readonly arguments?: unknown
    readonly _meta?: Fields
  }
}

/** An object of JSON. */
export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined
}

/**
 * The tool call that a message is, or `undefined`. One that asks for a task is none: its answer comes
 * by other requests, so that nobody could say what became of its payment.
 */
export function toolCallIn(message: unknown): McpToolCall | undefined {
  const { id, method, params } = (fieldsOf(message) ?? {}) as McpMessage
  const { name, task } = fieldsOf(params) ?? {}
  const isCall = method === 'tools/call' && isId(id) && typeof name === 'string'
  return isCall && task === undefined ? (message as McpToolCall) : undefined
}

/** The id of the request that a message gives up, or `undefined`. */
export function cancelledId(message: unknown): McpId | undefined {
  const { method, params } = (fieldsOf(message) ?? {}) as McpMessage
  const { requestId } = fieldsOf(params) ?? {}
  return method === 'notifications/cancelled' && isId(requestId) ? requestId : undefined
}

/** Whether a message answers a request, and does not make one. */
export function isAnswer(message: McpMessage): message is McpMessage & { readonly id: McpId } {
  return message.method === undefined && isId(message.id)
}

function isId(value: unknown): value is McpId {
  return typeof value === 'string' || typeof value === 'number'
}

/**
 * Whether an answer looks as if it asked for payment: an error 402, or a result that says `isError`
 * and has the form of a challenge. In a normal result nothing is a challenge, whatever it looks like.
 * What it is worth, the guard says; without this it would record each error of a tool.
 */
export function asksForPayment({ result, error }: McpMessage): boolean {
  if (error !== undefined) return fieldsOf(error)?.code === PAYMENT_REQUIRED
  const { isError, structuredContent, content } = fieldsOf(result) ?? {}
  if (isError !== true) return false
  return isChallenge(structuredContent) || isChallenge(firstText(content))
}

/** The code of a JSON-RPC error that asks for payment. */
const PAYMENT_REQUIRED = 402

/** A longer text is no challenge: the guard would not read it either. */
const MAX_CHALLENGE_CHARACTERS = 65_536

function isChallenge(value: unknown): boolean {
  const fields = fieldsOf(value)
  return (
    fields !== undefined &&
    (Object.hasOwn(fields, 'x402Version') || Object.hasOwn(fields, 'x402/error'))
  )
}

function firstText(content: unknown): unknown {
  const { type, text } = fieldsOf(Array.isArray(content) ? content[0] : undefined) ?? {}
  if (type !== 'text' || typeof text !== 'string') return undefined
  if (text.length > MAX_CHALLENGE_CHARACTERS) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What begins like this in `_meta` tells of a payment: no model has to see it. */
const PAYMENT_KEY = /^x402\//

/** An answer without what its `_meta` tells of payments. */
export function withoutReceipts(message: McpMessage): McpMessage {
  const result = fieldsOf(message.result)
  const meta = fieldsOf(result?._meta)
  if (!result || !meta || !Object.keys(meta).some((key) => PAYMENT_KEY.test(key))) return message
  const { _meta, ...rest } = result
  const kept = Object.entries(meta).filter(([key]) => !PAYMENT_KEY.test(key))
  const withMeta = kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) }
  return { ...message, result: withMeta }
}
