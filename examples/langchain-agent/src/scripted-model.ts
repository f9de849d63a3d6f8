import { AIMessage, type BaseMessage } from '@langchain/core/messages'
import { fakeModel } from 'langchain'
import { resource } from './sandbox.ts'

/** LangChain's own mock: asks for the resource once, and repeats the price that it reads there. */
export const model: ReturnType<typeof fakeModel> = fakeModel()
  .respondWithTools([
    {
      id: 'call-1',
      name: 'pay_within_session',
      args: { url: resource, purpose: 'the price of ACME' },
    },
  ])
  .respond((messages: BaseMessage[]) => {
    const { content } = JSON.parse(String(messages.at(-1)?.content))
    const [, price] = /"price":"([0-9.]+)"/.exec(content) ?? []
    return new AIMessage(`ACME costs ${price} USD.`)
  })
