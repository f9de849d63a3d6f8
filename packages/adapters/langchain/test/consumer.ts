import { PaymentSession, payingFetch } from '@bursar/core/session'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import type { BaseMessage } from '@langchain/core/messages'
import { MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { createAgent, tool } from 'langchain'
import createClient from 'openapi-fetch'
import { z } from 'zod'
import type { paths } from '../../../../test/adapters/shop-api.ts'
import { paymentTools } from '../src/index.ts'

/** The state of an application with LangChain. The docs show this file, and a test runs it. */
interface State {
  readonly messages: BaseMessage[]
}

const prompt = { messages: [{ role: 'user' as const, content: 'Buy it.' }] }

/** Serves all users with one agent. */
export async function manyUsers(model: BaseChatModel, payer: PaymentSession): Promise<State> {
  // #region many-users
  const contextSchema = z.object({ payer: z.custom<PaymentSession>(PaymentSession.is) })
  const tools = paymentTools({
    session: (context: z.infer<typeof contextSchema>) => context.payer,
  })
  const agent = createAgent({ model, tools, contextSchema, checkpointer: new MemorySaver() })

  const run = { context: { payer }, configurable: { thread_id: 'chat-1' } }
  const answered = await agent.invoke(prompt, run)
  // #endregion
  return answered
}

/** Pays in a hand-made graph. */
export async function ownGraph(model: BaseChatModel, session: PaymentSession): Promise<State> {
  // #region graph
  const tools = paymentTools({ session, conversation: 'chat-1' })
  const talker = model.bindTools?.(tools) ?? model
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('talk', async ({ messages }) => ({ messages: [await talker.invoke(messages)] }))
    .addNode('tools', new ToolNode(tools))
    .addEdge('__start__', 'talk')
    .addConditionalEdges('talk', toolsCondition)
    .addEdge('tools', 'talk')
    .compile()
  // #endregion
  return graph.invoke(prompt)
}

/** Makes a tool around an existing client. */
export async function existingCode(model: BaseChatModel, session: PaymentSession): Promise<State> {
  // #region existing-code
  const shop = createClient<paths>({ baseUrl: 'https://shop.example', fetch: payingFetch(session) })
  const price = tool(
    async () => {
      const { data, error } = await shop.GET('/quote')
      return data ?? { refused: error.code } // for example payment_limit_exceeded
    },
    { name: 'price', description: 'The price of ACME.', schema: z.object({}) },
  )
  const agent = createAgent({ model, tools: [price] })
  // #endregion
  return agent.invoke(prompt)
}
