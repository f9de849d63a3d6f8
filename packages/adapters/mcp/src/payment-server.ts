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
import { fieldsOf } from './mcp-message.ts'
import { askedPerson, type Extra } from './payment-question.ts'
import { version } from './version.ts'

/**
 * What `paymentServer` takes. The functions are given what your own middleware has found out about
 * the request, `authInfo`: nothing that a client, or a model, can say.
 */
export type PaymentServerOptions = ToolCallsOptions<AuthInfo | undefined>

/**
 * Makes a server of MCP that offers the payment tool, to be connected to a transport.
 *
 * Refusals are results that the model reads. A failure of the guard is a result, too, `failed`,
 * without its cause, which goes to the operator as a process warning. Where a human has to agree, and
 * the client can ask, it shows the question; its answer is no approval: see `docs/adapters/mcp.md`.
 * With a `conversation`, a request is paid once in it; without one, each call is its own.
 * Throws `invalid_input` for a `conversation` that can name none.
 *
 * @example
 * await paymentServer({ session }).connect(new StdioServerTransport())
 */
export function paymentServer(options: PaymentServerOptions): Server {
  const calls = toolCalls(options)
  const isNamed = options.conversation !== undefined
  const server = new Server({ name: 'bursar', version }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: [tool] }))
  // A handler of its own would refuse arguments that are no object, where no guard records it.
  server.fallbackRequestHandler = async ({ method, params }, extra) => {
    if (method !== 'tools/call') throw new McpError(ErrorCode.MethodNotFound, 'Method not found')
    const { name, arguments: input = {}, _meta } = fieldsOf(params) ?? {}
    if (name !== payTool.name) throw new McpError(ErrorCode.InvalidParams, 'Unknown tool')
    const progress = fieldsOf(_meta)?.progressToken
    const result = await answer(server, calls, {
      ...(await keyOf(isNamed, input)),
      input,
      context: extra.authInfo,
      signal: extra.signal,
      onProgress: progressTo(extra, progress),
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

/** How often a person is asked about one call: each time it is quoted once more. */
const MAX_QUESTIONS = 5

/** One call, from its question to what the model is told. */
async function answer(
  server: Server,
  calls: ToolCalls<AuthInfo | undefined>,
  { extra, ...call }: ServerCall,
): Promise<ModelResult> {
  let declined = false
  for (let asked = 0; ; asked += 1) {
    const { result, approval } = await calls.pay({ ...call, declined })
    if (!approval || asked === MAX_QUESTIONS) return result
    const said = await askedPerson(server, approval, extra)
    if (said === 'nothing') return result
    // Whatever yes the person gives here: what was answered, the guard knows.
    declined = said === 'no'
  }
}

/**
 * MCP names no call: the id of its request is a number of the connection, which another one counts
 * anew. In a conversation the request itself is the key; without one nothing is called again by it.
 */
async function keyOf(
  isNamed: boolean,
  input: unknown,
): Promise<Pick<ToolCall, 'conversation' | 'id'>> {
  if (isNamed) return { id: await requestId(payTool.name, input) }
  const id = crypto.randomUUID()
  return { conversation: `mcp-${id}`, id }
}

/** Tells each step to a client that wants to know; that it cannot be told stops nothing. */
function progressTo(extra: Extra, progressToken: unknown): ((step: PayStep) => void) | undefined {
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return undefined
  let progress = 0
  return (message) => {
    progress += 1
    extra
      .sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, message },
      })
      .catch(() => {})
  }
}
