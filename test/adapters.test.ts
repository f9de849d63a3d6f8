import { testAdapter } from '@bursar/core/testing'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agents } from '../packages/adapters/ai-sdk/test/scripted-agent.ts'
import { agents as langChainAgents } from '../packages/adapters/langchain/test/scripted-agent.ts'
import { agents as mastraAgents } from '../packages/adapters/mastra/test/scripted-agent.ts'
import { aiSdkExceptions, exceptions } from '../packages/adapters/mcp/test/exceptions.ts'
import { officialAgent } from '../packages/adapters/mcp/test/official-agent.ts'
import { agent as mcpAgent } from '../packages/adapters/mcp/test/scripted-agent.ts'
import { sandboxPaidWorld } from './sandbox-paid-world.ts'

/** Every adapter on a real chain, with real merchants, honest and hostile. */

let sandbox: Sandbox

beforeAll(async () => {
  sandbox = await startSandbox()
})

afterAll(() => sandbox.stop())

const loops = agents.filter(({ version, loop }) => loop === (version === 7 ? 'stream' : 'generate'))
for (const agent of loops) {
  testAdapter(
    `@bursar/ai-sdk under ${agent.loop} of version ${agent.version}`,
    async () => ({ agent, world: await sandboxPaidWorld(sandbox) }),
    { describe, test, expect },
  )
}

for (const agent of langChainAgents.filter(({ version }) => version === 'v2')) {
  testAdapter(
    '@bursar/langchain in createAgent',
    async () => ({ agent, world: await sandboxPaidWorld(sandbox) }),
    { describe, test, expect },
  )
}

for (const agent of mastraAgents.filter(({ loop }) => loop === 'stream')) {
  testAdapter(
    '@bursar/mastra in an agent',
    async () => ({ agent, world: await sandboxPaidWorld(sandbox) }),
    { describe, test, expect },
  )
}

testAdapter(
  '@bursar/mcp behind the client of the AI SDK',
  async () => ({ agent: mcpAgent, world: await sandboxPaidWorld(sandbox) }),
  { describe, test, expect },
  aiSdkExceptions,
)

testAdapter(
  '@bursar/mcp behind the official client, over HTTP',
  async () => ({ agent: officialAgent, world: await sandboxPaidWorld(sandbox) }),
  { describe, test, expect },
  exceptions,
)
