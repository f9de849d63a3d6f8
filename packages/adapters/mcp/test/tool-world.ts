import {
  fakeAsset,
  fakeChallenge,
  fakeClaimHeader,
  fakePayee,
  readFakePayload,
} from '@bursar/core/testing'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  type CallToolResult,
  ListToolsRequestSchema,
  McpError,
  type ServerResult,
} from '@modelcontextprotocol/sdk/types.js'
import {
  type GuardWorld,
  type GuardWorldOptions,
  guardWorld,
} from '../../../../test/guard-world.ts'

/**
 * The behaviour of a tool. A paid tool costs one cent.
 *
 * - `quote`: sold honestly
 * - `typed`: sold honestly, and has an output schema
 * - `free`: free
 * - `broken`: free, and fails
 * - `challenge_text`: free, with a challenge of every kind as its text
 * - `undelivered`: takes the money, and fails
 * - `asks_again`: takes the proof, and asks for payment again
 * - `silent`: takes the proof, settles it, and never answers
 * - `closes`: takes the proof, settles it, and closes the connection
 * - `other_payee`: names an unlisted payee
 */
export const toolNames = [
  'quote',
  'typed',
  'free',
  'broken',
  'challenge_text',
  'undelivered',
  'asks_again',
  'silent',
  'closes',
  'other_payee',
] as const

export type ToolName = (typeof toolNames)[number]

/** A call as the server received it. */
export interface SeenCall {
  readonly tool: string
  readonly id: string | number
  readonly isPaid: boolean
  readonly signal: AbortSignal
}

/** A guard over fakes, and an MCP server with paid tools. */
export interface ToolWorld extends GuardWorld {
  readonly seen: readonly SeenCall[]
  /** Runs before the server handles a call. */
  onCall: (call: SeenCall) => Promise<void> | void
  /** Makes a server with the tools. */
  makeServer(): Server
  /** Connects a new server. Returns the client's transport. */
  connect(): Promise<Transport>
}

export const SERVER = 'tools.example'

export interface ToolWorldOptions extends Pick<GuardWorldOptions, 'ask' | 'limits'> {
  readonly payees?: readonly string[]
}

export async function toolWorld(options: ToolWorldOptions = {}): Promise<ToolWorld> {
  const { payees = [fakePayee], ...shared } = options
  const merchants = [{ host: SERVER, payees }]
  const allowed = { merchants, sessionMerchants: merchants, expiresIn: '8h' }
  const seen: SeenCall[] = []
  const world: ToolWorld = {
    ...(await guardWorld({ ...shared, ...allowed })),
    seen,
    onCall: () => {},
    makeServer: () => serverOf(world, (call) => seen.push(call)),
    connect: async () => {
      const [client, server] = InMemoryTransport.createLinkedPair()
      await world.makeServer().connect(server)
      return client
    },
  }
  return world
}

const outputSchema = {
  type: 'object' as const,
  properties: { price: { type: 'string' } },
  required: ['price'],
}

function serverOf(world: ToolWorld, see: (call: SeenCall) => void): Server {
  const server = new Server({ name: 'tools', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: toolNames.map((name) => ({
      name,
      description: `The tool ${name}.`,
      inputSchema: { type: 'object' as const, properties: { q: { type: 'string' } } },
      ...(name === 'typed' ? { outputSchema } : {}),
    })),
  }))
  server.fallbackRequestHandler = async ({ method, params }, { requestId: id, signal }) => {
    if (method !== 'tools/call') throw new McpError(-32601, 'Method not found')
    const { name: tool, _meta = {} } = params as { name: ToolName; _meta?: Record<string, string> }
    const call = { tool, id, isPaid: readFakePayload(_meta) !== undefined, signal }
    see(call)
    await world.onCall(call)
    return call.isPaid ? paid(world, server, tool, _meta) : asked(tool)
  }
  return server
}

/** Makes the answer to a call without a proof. */
function asked(tool: ToolName): ServerResult {
  switch (tool) {
    case 'free':
      return delivered(tool, { 'x402/note': 'free', kept: 'yes' })
    case 'broken':
      return { isError: true, content: [{ type: 'text', text: 'It is broken.' }] }
    case 'challenge_text':
      return {
        content: [{ type: 'text', text: JSON.stringify({ x402Version: 2, ...challenge(tool) }) }],
        structuredContent: { x402Version: 2, ...challenge(tool) },
      }
    default:
      throw new McpError(402, 'Payment required', challenge(tool))
  }
}

function challenge(tool: ToolName): object {
  const payee = tool === 'other_payee' ? `0x${'bad'.padStart(40, '0')}` : fakePayee
  const { network, address: asset } = fakeAsset
  const offer = { scheme: 'exact', network, asset, atomic: 10_000n, payee, validForSeconds: 60 }
  return JSON.parse(new TextDecoder().decode(fakeChallenge([offer]).body))
}

async function paid(
  { chain }: ToolWorld,
  server: Server,
  tool: ToolName,
  meta: Record<string, string>,
): Promise<ServerResult> {
  const proof = readFakePayload(meta)
  if (!proof) throw new Error('There is no proof.')
  chain.receive(proof)
  if (tool === 'asks_again') throw new McpError(402, 'Payment required', challenge(tool))
  const settlement = chain.submit(proof)
  const transaction = settlement.settled ? settlement.transfer.transaction : '0x00'
  if (tool === 'closes') await server.close()
  if (tool === 'silent' || tool === 'closes') return new Promise(() => {})
  const { nonce } = proof.authorization
  const _meta = { ...fakeClaimHeader({ outcome: 'settled', nonce, transaction }) }
  return tool === 'undelivered'
    ? { isError: true, content: [{ type: 'text', text: 'Sorry.' }], _meta }
    : delivered(tool, _meta)
}

function delivered(tool: ToolName, _meta: Record<string, unknown>): CallToolResult {
  const structured = tool === 'typed' ? { structuredContent: { price: '103.40' } } : {}
  const text = tool === 'typed' ? '{"price":"103.40"}' : `What ${tool} says.`
  return { content: [{ type: 'text', text }], ...structured, _meta }
}
