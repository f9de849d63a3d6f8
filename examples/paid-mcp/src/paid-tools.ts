import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js'
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/server'

/** Where the money goes, and in what. */
export interface Till {
  readonly facilitatorUrl: string
  readonly network: `${string}:${string}`
  readonly asset: { readonly address: string; readonly name: string; readonly version: string }
  readonly payee: string
}

/** A server of MCP that sells, over HTTP. */
export interface PaidTools {
  readonly url: URL
  close(): Promise<void>
}

interface Tool {
  readonly description: string
  /** Millionths of a dollar. */
  readonly price: number
  readonly work: () => string
}

const tools: Readonly<Record<string, Tool>> = {
  quote: {
    description: 'The latest price of a share. Costs 0.01 USD.',
    price: 10_000,
    work: () => 'ACME: 103.40 USD',
  },
  translate: {
    description: 'Translates a text into French. Costs 0.03 USD.',
    price: 30_000,
    work: () => 'bonjour',
  },
  dataset: {
    description: 'A large collection of records. Costs 5.00 USD.',
    price: 5_000_000,
    work: () => '{"records":[]}',
  },
}

/** Sells the tools with the official packages of x402; nothing of Bursar is in it. */
export async function openPaidTools(till: Till): Promise<PaidTools> {
  const seller = new x402ResourceServer(new HTTPFacilitatorClient({ url: till.facilitatorUrl }))
  seller.register(till.network, new ExactEvmScheme())
  await seller.initialize()
  const listener = createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405).end()
    const transport = new StreamableHTTPServerTransport({})
    await serverOf(seller, till).connect(transport as Transport)
    return transport.handleRequest(request, response)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    close: async () => {
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

function serverOf(seller: x402ResourceServer, till: Till): Server {
  const server = new Server({ name: 'tools', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: Object.entries(tools).map(([name, { description }]) => ({
      name,
      description,
      inputSchema: {
        type: 'object' as const,
        properties: { symbol: { type: 'string' }, text: { type: 'string' } },
      },
    })),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const tool = tools[params.name]
    if (!tool) throw new McpError(-32602, 'Unknown tool')
    return sell(seller, await requirementsOf(seller, till, tool), tool, params)
  })
  return server
}

async function sell(
  seller: x402ResourceServer,
  requirements: PaymentRequirements[],
  { description, work }: Tool,
  { name, _meta }: { readonly name: string; readonly _meta?: Record<string, unknown> | undefined },
): Promise<CallToolResult> {
  const demand = async (error: string): Promise<CallToolResult> => {
    const resource = { url: `mcp://tool/${name}`, description, mimeType: 'text/plain' }
    const asked = await seller.createPaymentRequiredResponse(requirements, resource, error)
    const text = JSON.stringify(asked)
    const structuredContent = { ...asked }
    return { isError: true, structuredContent, content: [{ type: 'text', text }] }
  }
  const payment = _meta?.['x402/payment'] as PaymentPayload | undefined
  if (!payment) return demand('Payment required')
  const matching = seller.findMatchingRequirements(requirements, payment)
  if (!matching) return demand('Pay what is asked')
  const { isValid, invalidReason } = await seller.verifyPayment(payment, matching)
  if (!isValid) return demand(invalidReason ?? 'Invalid payment')
  const settled = await seller.settlePayment(payment, matching)
  if (!settled.success) return demand(settled.errorReason ?? 'Not settled')
  const _receipt = { 'x402/payment-response': settled }
  return { content: [{ type: 'text', text: work() }], _meta: _receipt }
}

function requirementsOf(
  seller: x402ResourceServer,
  { network, asset, payee }: Till,
  { price }: Tool,
): Promise<PaymentRequirements[]> {
  const { address, name, version } = asset
  return seller.buildPaymentRequirements({
    scheme: 'exact',
    network,
    payTo: payee,
    price: { amount: `${price}`, asset: address, extra: { name, version } },
    maxTimeoutSeconds: 60,
  })
}
