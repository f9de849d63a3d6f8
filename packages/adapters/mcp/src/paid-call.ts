import {
  assertPaymentSession,
  BursarError,
  type ModelResult,
  type PaymentSession,
  type PayResult,
  toModelResult,
  warnOperator,
  withoutGuard,
} from '@bursar/core/session'
import { asMcpFields, type Fields, type McpMessage, type McpToolCall } from './mcp-message.ts'

/** The session that pays for the tools of one server. */
export interface Payer {
  /** The function that the application called, for warnings to the operator. */
  readonly source: string
  readonly session: PaymentSession
  readonly server: string
  readonly tools: StructuredTools
}

/** A call whose server asks for payment, with the means to send the call again. */
export interface PaidCall {
  readonly call: McpToolCall
  /** The answer that asks for payment. */
  readonly challenge: McpMessage
  /** Stops the call before its payment is reserved. Has no effect afterwards. */
  readonly signal: AbortSignal
  /** Sends the call with its payload. Resolves with the answer, or with undefined if none came. */
  readonly send: (call: McpToolCall) => Promise<McpMessage | undefined>
}

/**
 * Pays for one call and returns the answer for the client. Never throws.
 *
 * The answer is the server's own result without its receipt if the call was paid, and otherwise the
 * JSON that a model reads.
 */
export async function payForCall(payer: Payer, paid: PaidCall): Promise<McpMessage> {
  const { call } = paid
  try {
    return await proveAndConcludeCall(payer, paid)
  } catch (error) {
    warnOperator(payer.source, `a call failed in session ${payer.session.id}`, error)
    return reportPaidResult(payer, call, withoutGuard())
  }
}

async function proveAndConcludeCall(payer: Payer, paid: PaidCall): Promise<McpMessage> {
  const { session, server } = payer
  const { call, challenge, signal, send } = paid
  const { name, arguments: input, _meta } = call.params
  const proved = await session.prove(
    {
      server,
      tool: name,
      arguments: input,
      message: pickCallOutcome(challenge),
      purpose: 'a tool call of MCP',
    },
    { signal },
  )
  if (proved.status !== 'signed') return deliverPaidCall(payer, call, proved)
  const payingCall = { ...call, params: { ...call.params, _meta: { ..._meta, ...proved.payload } } }
  const answer = await send(payingCall).catch(() => undefined)
  const result = await session.conclude(proved.paymentId, answer && pickCallOutcome(answer))
  const delivered = result.status === 'paid' ? asMcpFields(answer?.result) : undefined
  if (!delivered) return deliverPaidCall(payer, call, result)
  const { _meta: receipt, ...content } = delivered
  return wrapPaidResult(call, content)
}

/**
 * Returns the message's error if there is one, otherwise its result: the guard reads one of the
 * two.
 */
function pickCallOutcome({ result, error }: McpMessage): Fields {
  return error === undefined ? { result } : { error }
}

/** Delivers the stored content of a call that was paid before, or reports the result. */
function deliverPaidCall(payer: Payer, call: McpToolCall, result: PayResult): McpMessage {
  const delivered = result.status === 'paid' ? readPaidContent(result) : undefined
  return delivered
    ? wrapPaidResult(call, delivered)
    : reportPaidResult(payer, call, toModelResult(result))
}

function readPaidContent({
  response,
}: PayResult & { readonly status: 'paid' }): Fields | undefined {
  if (!response || response.truncated) return undefined
  try {
    return asMcpFields(JSON.parse(new TextDecoder().decode(response.body)))
  } catch {
    return undefined
  }
}

/**
 * Makes the answer that reports a result, in the JSON that every adapter uses.
 *
 * The answer is no error, because clients throw errors. The exception is a tool with an output
 * schema: only an error may leave the schema's output out.
 */
export function reportPaidResult(
  { tools }: Pick<Payer, 'tools'>,
  call: McpToolCall,
  result: ModelResult,
): McpMessage {
  const content = [{ type: 'text', text: JSON.stringify(result) }]
  const isError = tools.has(call.params.name) ? { isError: true } : {}
  return wrapPaidResult(call, { content, ...isError })
}

/**
 * The key of `_meta` that newer clients send. The protocol's newest form wants a type on each
 * result.
 */
const PROTOCOL_KEY = 'io.modelcontextprotocol/protocolVersion'

function wrapPaidResult({ id, params }: McpToolCall, result: Fields): McpMessage {
  const isNew = asMcpFields(params._meta)?.[PROTOCOL_KEY] !== undefined
  const typed = isNew ? { resultType: 'complete', ...result } : result
  return { jsonrpc: '2.0', id, result: typed }
}

/** The tools that declare an output schema, as far as their list has passed by. */
export interface StructuredTools {
  /** Learns the tools from an answer. Ignores an answer that is no list of tools. */
  learn(answer: McpMessage): void
  has(tool: string): boolean
}

/** The most tools to remember: more than a model can choose from. The oldest are forgotten. */
const MAX_TOOLS = 1_000

/** Makes an empty memory of tools with an output schema. */
export function createStructuredPaidTools(): StructuredTools {
  const names = new Set<string>()
  return {
    learn: ({ result }) => {
      const tools = asMcpFields(result)?.tools
      if (!Array.isArray(tools)) return
      for (const tool of tools) {
        const { name, outputSchema } = asMcpFields(tool) ?? {}
        if (typeof name !== 'string') continue
        names.delete(name)
        if (outputSchema !== undefined) names.add(name)
        if (names.size > MAX_TOOLS) names.delete(`${names.values().next().value}`)
      }
    },
    has: (tool) => names.has(tool),
  }
}

/** Throws `invalid_input` for an unusable server or session, before the first call would fail. */
export function assertPayerOfCall(source: string, server: unknown, session: unknown): void {
  if (typeof server !== 'string' || server === '') {
    const problem = 'must be a host, as the merchants of the session list it'
    throw new BursarError('invalid_input', `${source}: server: ${problem}.`)
  }
  if (typeof session !== 'function') assertPaymentSession(source, session)
}
