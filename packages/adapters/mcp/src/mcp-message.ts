/** The id of a JSON-RPC request. */
export type McpId = string | number

/** A message of MCP, as far as this package reads it. Other fields are passed on unchanged. */
export interface McpMessage {
  readonly jsonrpc?: string
  readonly id?: McpId | null
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

/** A client's request to call a tool. */
export interface McpToolCall extends McpMessage {
  readonly id: McpId
  readonly method: 'tools/call'
  readonly params: {
    readonly name: string
    readonly arguments?: unknown
    readonly _meta?: Fields
  }
}

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>

/** Returns the value as a JSON object. Returns undefined if it is anything else. */
export function asMcpFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined
}

/**
 * Returns the message as a tool call. Returns undefined for any other message, and for a call that
 * asks for a task: a task's answer comes by other requests, which no payment could be matched with.
 */
export function parseMcpToolCall(message: unknown): McpToolCall | undefined {
  const { id, method, params } = (asMcpFields(message) ?? {}) as McpMessage
  const { name, task } = asMcpFields(params) ?? {}
  const isCall = method === 'tools/call' && isMcpId(id) && typeof name === 'string'
  return isCall && task === undefined ? (message as McpToolCall) : undefined
}

/** Returns the id of the request that the message cancels. Returns undefined if it cancels none. */
export function parseMcpCancelledId(message: unknown): McpId | undefined {
  const { method, params } = (asMcpFields(message) ?? {}) as McpMessage
  const { requestId } = asMcpFields(params) ?? {}
  return method === 'notifications/cancelled' && isMcpId(requestId) ? requestId : undefined
}

/** Checks whether a message is the answer to a request. */
export function isMcpAnswer(message: McpMessage): message is McpMessage & { readonly id: McpId } {
  return message.method === undefined && isMcpId(message.id)
}

function isMcpId(value: unknown): value is McpId {
  return typeof value === 'string' || typeof value === 'number'
}

/**
 * Checks whether an answer looks like a challenge: an error 402, or a result with `isError` in the
 * form of a challenge. A result without `isError` is never a challenge.
 *
 * The guard decides what the challenge is worth. Without this check the guard would record every
 * error of a tool.
 */
export function isPaymentChallengeMessage({ result, error }: McpMessage): boolean {
  if (error !== undefined) return asMcpFields(error)?.code === PAYMENT_REQUIRED
  const { isError, structuredContent, content } = asMcpFields(result) ?? {}
  if (isError !== true) return false
  return isMcpChallenge(structuredContent) || isMcpChallenge(parseFirstMcpText(content))
}

/** The code of a JSON-RPC error that is a challenge. */
const PAYMENT_REQUIRED = 402

/** The longest text that is read as a challenge. The guard reads no longer one either. */
const MAX_CHALLENGE_CHARACTERS = 65_536

function isMcpChallenge(value: unknown): boolean {
  const fields = asMcpFields(value)
  return (
    fields !== undefined &&
    (Object.hasOwn(fields, 'x402Version') || Object.hasOwn(fields, 'x402/error'))
  )
}

function parseFirstMcpText(content: unknown): unknown {
  const { type, text } = asMcpFields(Array.isArray(content) ? content[0] : undefined) ?? {}
  if (type !== 'text' || typeof text !== 'string') return undefined
  if (text.length > MAX_CHALLENGE_CHARACTERS) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The keys of `_meta` that describe a payment. No model has to read them. */
const PAYMENT_KEY = /^x402\//

/** Returns the answer without the keys of its `_meta` that describe a payment. */
export function removeMcpReceipts(message: McpMessage): McpMessage {
  const result = asMcpFields(message.result)
  const meta = asMcpFields(result?._meta)
  if (!result || !meta || !Object.keys(meta).some((key) => PAYMENT_KEY.test(key))) return message
  const { _meta, ...rest } = result
  const kept = Object.entries(meta).filter(([key]) => !PAYMENT_KEY.test(key))
  const withMeta = kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) }
  return { ...message, result: withMeta }
}
