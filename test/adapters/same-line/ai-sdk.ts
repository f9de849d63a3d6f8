import { paymentTools } from '@bursar/ai-sdk'
import type { Bursar } from '@bursar/core'
import { generateText, type LanguageModel, stepCountIs } from 'ai'

/** Runs the agent of the README. */
export async function run(model: LanguageModel, bursar: Bursar, token: string): Promise<void> {
  const session = bursar.openSession(token)
  await generateText({
    model,
    prompt: 'Buy it.',
    tools: paymentTools({ session, conversation: 'chat-1' }),
    stopWhen: stepCountIs(8),
  })
}
