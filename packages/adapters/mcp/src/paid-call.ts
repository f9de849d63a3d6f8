import {
  BursarError,
  type ModelResult,
  PaymentSession,
  type PayResult,
  toModelResult,
  warnOperator,
  withoutGuard,
} from '@bursar/core/session'
import { type Fields, fieldsOf, type McpMessage, type McpToolCall } from './mcp-message.ts'

/** Who pays for the tools of which server. */
export interface Payer {
  /** The function that the application has called, for the operator. */
  readonly source: string
  readonly session: PaymentSession
  readonly server: string
  readonly tools: ToolsWithOutput
}

/** One call that its server wants to be paid for, and how it is sent again. */
export interface PaidCall {
  readonly call: McpToolCall
  /** The answer that asks for payment. */
  readonly challenge: McpMessage
  /** Honoured until the payment is reserved, and never after. */
  readonly signal: AbortSignal
  /** Sends the call with its proof, and resolves with its answer; with `undefined` if none came. */
  readonly send: (call: McpToolCall) => Promise<McpMessage | undefined>
}

/**
 * Pays for one call, and makes the answer that its client gets: the server's own where it was paid,
 * without its receipt, and what a model is told otherwise. Never throws.
 */
export async function paidAnswer(payer: Payer, paid: PaidCall): Promise<McpMessage> {
  const { call } = paid
  try {
    return await answer(payer, paid)
  } catch (error) {
    warnOperator(payer.source, `a call failed in session ${payer.session.id}`, error)
    return told(payer, call, withoutGuard())
  }
}

async function answer(payer: Payer, paid: PaidCall): Promise<McpMessage> {
  const { session, server } = payer
  const { call, challenge, signal, send } = paid
  const { name, arguments: given, _meta } = call.params
  const proved = await session.prove(
    {
      server,
      tool: name,
      arguments: given,
      message: outcomeOf(challenge),
      purpose: 'a tool call of MCP',
    },
    { signal },
  )
  if (proved.status !== 'proven') return toldOf(payer, call, proved)
  const proof = { ...call, params: { ...call.params, _meta: { ..._meta, ...proved.proof } } }
  const answered = await send(proof).catch(() => undefined)
  const result = await session.conclude(proved.paymentId, answered && outcomeOf(answered))
  const delivered = result.status === 'paid' ? fieldsOf(answered?.result) : undefined
  if (!delivered) return toldOf(payer, call, result)
  const { _meta: receipt, ...own } = delivered
  return answerTo(call, own)
}

/** What the guard reads of a message: its result or its error, and not both. */
function outcomeOf({ result, error }: McpMessage): Fields {
  return error === undefined ? { result } : { error }
}

/** A call that was paid before gets what it bought then; everything else is said. */
function toldOf(payer: Payer, call: McpToolCall, result: PayResult): McpMessage {
  const delivered = result.status === 'paid' ? storedResult(result) : undefined
  return delivered ? answerTo(call, delivered) : told(payer, call, toModelResult(result))
}

function storedResult({ response }: PayResult & { readonly status: 'paid' }): Fields | undefined {
  if (!response || response.truncated) return undefined
  try {
    return fieldsOf(JSON.parse(new TextDecoder().decode(response.body)))
  } catch {
    return undefined
  }
}

/**
 * Says what came of a call, in the same JSON as every adapter. It is no error, because clients throw
 * errors; except where the tool has promised output of a form, which only an error may leave out.
 */
export function told(
  { tools }: Pick<Payer, 'tools'>,
  call: McpToolCall,
  result: ModelResult,
): McpMessage {
  const content = [{ type: 'text', text: JSON.stringify(result) }]
  const isError = tools.has(call.params.name) ? { isError: true } : {}
  return answerTo(call, { content, ...isError })
}

/** In its newest form the protocol has every result say of which type it is. */
const PROTOCOL_KEY = 'io.modelcontextprotocol/protocolVersion'

function answerTo({ id, params }: McpToolCall, result: Fields): McpMessage {
  const isNew = fieldsOf(params._meta)?.[PROTOCOL_KEY] !== undefined
  const typed = isNew ? { resultType: 'complete', ...result } : result
  return { jsonrpc: '2.0', id, result: typed }
}

/** Which tools have promised output of a form, as far as their list has been seen. */
export interface ToolsWithOutput {
  /** Looks at any answer: only a list of tools says something. */
  see(message: McpMessage): void
  has(tool: string): boolean
}

/** More tools than a model can choose from; the first ones are forgotten. */
const MAX_TOOLS = 1_000

export function toolsWithOutput(): ToolsWithOutput {
  const names = new Set<string>()
  return {
    see: ({ result }) => {
      const tools = fieldsOf(result)?.tools
      if (!Array.isArray(tools)) return
      for (const tool of tools) {
        const { name, outputSchema } = fieldsOf(tool) ?? {}
        if (typeof name !== 'string') continue
        names.delete(name)
        if (outputSchema !== undefined) names.add(name)
        if (names.size > MAX_TOOLS) names.delete(`${names.values().next().value}`)
      }
    },
    has: (tool) => names.has(tool),
  }
}

/** Refuses what an application cannot have meant: a call would find it out too late. */
export function assertPayer(source: string, server: unknown, session: unknown): void {
  if (typeof server !== 'string' || server === '') {
    const what = 'must be a host, as the merchants of the session list it'
    throw new BursarError('invalid_input', `${source}: server: ${what}.`)
  }
  if (typeof session !== 'function' && !PaymentSession.is(session)) {
    throw new BursarError('invalid_input', `${source}: session: must be a PaymentSession.`)
  }
}
