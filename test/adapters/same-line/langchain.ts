import type { Bursar } from '@bursar/core'
import { paymentTools } from '@bursar/langchain'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { createAgent } from 'langchain'

/** Runs the agent of the README, in LangChain. */
export async function run(model: BaseChatModel, bursar: Bursar, token: string): Promise<void> {
  const session = bursar.openSession(token)
  const agent = createAgent({
    model,
    tools: paymentTools({ session, conversation: 'chat-1' }),
  })
  await agent.invoke({ messages: [{ role: 'user', content: 'Buy it.' }] })
}
