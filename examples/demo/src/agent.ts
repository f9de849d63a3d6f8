import { paymentTools } from '@bursar/ai-sdk'
import type { ModelResult } from '@bursar/core'
import { generateText, type LanguageModel, type ModelMessage, stepCountIs } from 'ai'
import { type Act, job, sessionLimits } from './job.ts'
import type { DemoWorld } from './world.ts'

/** One call of the tool as it went. */
export interface Visit {
  readonly act: Act
  readonly input: Readonly<Record<string, unknown>>
  readonly result: ModelResult
}

/** What is told while the agent works. */
export interface AgentListener {
  actBegan(act: Act, news: string | undefined): void
  modelSpoke(text: string): void
  toolAnswered(visit: Visit): void
}

/** What is left of the agent's work. */
export interface Work {
  readonly visits: readonly Visit[]
  /** Everything that the model was told and said. */
  readonly messages: readonly ModelMessage[]
}

/** A real model that does not come to an end is stopped. */
const MAX_STEPS = 16

const instructions =
  'You are a research agent. You do what the user asks for with the tool you have, briefly.'

/** Lets a model do the whole job, act by act, in one conversation. */
export async function runAgent(
  world: DemoWorld,
  modelOf: (act: Act) => LanguageModel,
  listener: AgentListener,
): Promise<Work> {
  const visits: Visit[] = []
  const messages: ModelMessage[] = []
  for (const act of job(world)) {
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
          const visit = { act, input: input as Visit['input'], result: output as ModelResult }
          visits.push(visit)
          listener.toolAnswered(visit)
        }
      },
    })
    messages.push(...result.responseMessages)
  }
  return { visits, messages }
}
