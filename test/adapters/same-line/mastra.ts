import type { Bursar } from '@bursar/core'
import { paymentTools } from '@bursar/mastra'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'

/** Runs the agent of the README, in Mastra. */
export async function run(model: MastraModelConfig, bursar: Bursar, token: string): Promise<void> {
  const session = bursar.openSession(token)
  const agent = new Agent({
    id: 'buyer',
    name: 'Buyer',
    instructions: 'Buy it.',
    model,
    tools: paymentTools({ session, conversation: 'chat-1' }),
  })
  await agent.generate('Buy it.')
}
