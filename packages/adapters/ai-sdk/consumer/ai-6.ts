import type { ModelResult, PaymentSession } from '@bursar/core/session'
import { generateText, type InferToolInput, type InferToolOutput, type LanguageModel } from 'ai'
import { type PayArguments, type PaymentProgress, paymentTools } from '../src/index.ts'

/** An application with version 6 of the SDK. A test compiles this file and never runs it. */
export async function consume(model: LanguageModel, session: PaymentSession): Promise<void> {
  await generateText({ model, prompt: 'Buy it.', tools: paymentTools({ session }) })
  const tools = paymentTools({
    session: (context: { readonly payer: PaymentSession }) => context.payer,
    conversation: (context) => context.payer.id,
    needsApproval: true,
  })
  await generateText({
    model,
    prompt: 'Buy it.',
    tools,
    experimental_context: { payer: session },
  })
  type Tool = typeof tools.pay_within_session
  const input = (given: InferToolInput<Tool>): PayArguments => given
  const output = (given: InferToolOutput<Tool>): PaymentProgress | ModelResult => given
  void [input, output]
}
