import type { ScriptedCall } from '@bursar/core/testing'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'

/**
 * A chat model that makes the calls of its script, one step after the other, and then says `Done.`
 * LangChain's own fakes repeat their whole prompt at each step, which doubles it every time.
 */
export class ScriptedChatModel extends BaseChatModel {
  readonly #script: readonly (readonly ScriptedCall[])[]

  constructor(script: readonly (readonly ScriptedCall[])[]) {
    super({})
    this.#script = script
  }

  override _llmType(): string {
    return 'scripted'
  }

  override bindTools(): this {
    return this
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const step = messages.filter((message) => message.getType() === 'ai').length
    const calls = this.#script[step] ?? []
    const message = new AIMessage({
      content: calls.length === 0 ? 'Done.' : '',
      tool_calls: calls.map(({ id, input }) => ({
        id,
        name: 'pay_within_session',
        args: input as Record<string, unknown>,
        type: 'tool_call',
      })),
    })
    return { generations: [{ text: '', message }] }
  }
}
