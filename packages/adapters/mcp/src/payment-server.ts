import {
  type ModelResult,
  type PayStep,
  payTool,
  requestId,
  type ToolCall,
  type ToolCalls,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js'
import { asMcpFields } from './mcp-message.ts'
import { askPaymentQuestion, type Extra } from './payment-question.ts'
import { version } from './version.ts'

/**
 * The options of `paymentServer`. Its functions get the request's `authInfo`, which your own
 * authentication middleware sets. No client and no model can write it.
 */
export type PaymentServerOptions = ToolCallsOptions<AuthInfo | undefined>

/**
 * Makes an MCP server that offers the payment tool. Connect it to a transport.
 *
 * A denial is a result that the model reads. A failure of the guard is the result `failed`, and its
 * cause goes to the operator as a process warning (`BursarWarning`). If a payment needs a human's
 * approval and the client supports elicitation, the client shows a question. The answer there is no
 * approval: the end user approves at the guard. See `docs/adapters/mcp.md`. With a `conversation`,
 * an identical request in it is paid once. Without one, every call is new. Throws `invalid_input`
 * if `conversation` is an empty string.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { paymentServer } from '@bursar/mcp'
 * import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
 *
 * declare const session: PaymentSession
 *
 * await paymentServer({ session }).connect(new StdioServerTransport())
 * ```
 */
export function paymentServer(options: PaymentServerOptions): Server {
  const calls = toolCalls(options)
  const hasConversation = options.conversation !== undefined
  const server = new Server({ name: 'bursar', version }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: [tool] }))
  // The SDK's own handler would refuse arguments that are no object, and the guard could not record
  // it.
  server.fallbackRequestHandler = async ({ method, params }, extra) => {
    if (method !== 'tools/call') throw new McpError(ErrorCode.MethodNotFound, 'Method not found')
    const { name, arguments: input = {}, _meta } = asMcpFields(params) ?? {}
    if (name !== payTool.name) throw new McpError(ErrorCode.InvalidParams, 'Unknown tool')
    const progressToken = asMcpFields(_meta)?.progressToken
    const result = await answerServerCall(server, calls, {
      ...(await makeServerCallKey(hasConversation, input)),
      input,
      context: extra.authInfo,
      signal: extra.signal,
      onProgress: notifyServerProgress(extra, progressToken),
      extra,
    })
    return { content: [{ type: 'text', text: JSON.stringify(result) }] } satisfies CallToolResult
  }
  return server
}

const tool = {
  name: payTool.name,
  description: payTool.description,
  inputSchema: payTool.inputSchema as typeof payTool.inputSchema & { required: string[] },
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
}

interface ServerCall extends ToolCall<AuthInfo | undefined> {
  readonly extra: Extra
}

/** The most questions to a person about one call: each question quotes the call once more. */
const MAX_QUESTIONS = 5

/**
 * Carries out one call and returns the model's result. Asks the person at the client if an approval
 * is needed.
 */
async function answerServerCall(
  server: Server,
  calls: ToolCalls<AuthInfo | undefined>,
  { extra, ...call }: ServerCall,
): Promise<ModelResult> {
  let declined = false
  for (let questions = 0; ; questions += 1) {
    const { result, approval } = await calls.pay({ ...call, declined })
    if (!approval || questions === MAX_QUESTIONS) return result
    const answer = await askPaymentQuestion(server, approval, extra)
    if (answer === 'none') return result
    // A yes here proves nothing: the guard holds the recorded answer, and the next `pay` reads it.
    declined = answer === 'decline'
  }
}

/**
 * Makes the call's idempotency key. MCP has no id for it: the ids of requests begin anew with each
 * connection. In a conversation the request itself is the key. Without one the key is random.
 */
async function makeServerCallKey(
  hasConversation: boolean,
  input: unknown,
): Promise<Pick<ToolCall, 'conversation' | 'id'>> {
  if (hasConversation) return { id: await requestId(payTool.name, input) }
  const id = crypto.randomUUID()
  return { conversation: `mcp-${id}`, id }
}

/**
 * Returns a listener that notifies the client of each step. Returns undefined if the client sent no
 * token.
 */
function notifyServerProgress(
  extra: Extra,
  progressToken: unknown,
): ((step: PayStep) => void) | undefined {
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return undefined
  let progress = 0
  return (message) => {
    progress += 1
    extra
      .sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, message },
      })
      // A payment goes on if its client cannot be notified.
      .catch(() => {})
  }
}
