import { paymentTools } from '@bursar/ai-sdk'
import type { ModelResult } from '@bursar/core'
import { generateText, type LanguageModel, type ModelMessage, stepCountIs } from 'ai'
import { type Act, listActs, sessionLimits } from './job.ts'
import type { DemoWorld } from './world.ts'

/** A call of the tool, with its result. */
export interface ToolCall {
  readonly act: Act
  readonly input: Readonly<Record<string, unknown>>
  readonly result: ModelResult
}

/** A listener to the agent's work. */
export interface AgentListener {
  actBegan(act: Act, news: string | undefined): void
  modelSpoke(text: string): void
  toolAnswered(toolCall: ToolCall): void
}

/** The record of the agent's work. */
export interface Work {
  readonly toolCalls: readonly ToolCall[]
  /** Every message to and from the model. */
  readonly messages: readonly ModelMessage[]
}

/** The most steps of an act, so that a real model ends. */
const MAX_STEPS = 16

const instructions =
  'You are a research agent. You do what the user asks for with the tool you have, briefly.'

/** Runs a model through every act, in one conversation. */
export async function runAgent(
  world: DemoWorld,
  modelOf: (act: Act) => LanguageModel,
  listener: AgentListener,
): Promise<Work> {
  const toolCalls: ToolCall[] = []
  const messages: ModelMessage[] = []
  for (const act of listActs(world)) {
    const { session } =
      world.sessions.find(({ name }) => name === act.session) ??
      (await world.createSession(act.session, sessionLimits[act.session]))
    listener.actBegan(act, await act.before?.(world))
    messages.push({ role: 'user', content: act.task })
    const result = await generateText({
      model: modelOf(act),
      instructions,
      messages,
      tools: paymentTools({ session, conversation: 'the brief' }),
      stopWhen: stepCountIs(MAX_STEPS),
      onStepEnd: ({ text, toolResults }) => {
        if (text !== '') listener.modelSpoke(text)
        for (const { input, output } of toolResults) {
          const toolCall = { act, input: input as ToolCall['input'], result: output as ModelResult }
          toolCalls.push(toolCall)
          listener.toolAnswered(toolCall)
        }
      },
    })
    messages.push(...result.responseMessages)
  }
  return { toolCalls, messages }
}
