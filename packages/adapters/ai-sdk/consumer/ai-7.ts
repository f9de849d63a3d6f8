import type { ModelResult, PaymentSession } from '@bursar/core/session'
import {
  generateText,
  type InferToolInput,
  type InferToolOutput,
  type LanguageModel,
  type Tool,
  ToolLoopAgent,
} from 'ai'
import {
  type PayArguments,
  type PaymentProgress,
  paymentApproval,
  paymentTools,
} from '../src/index.ts'

/** An application with version 7 of the SDK. A test compiles this file and never runs it. */
export async function consume(model: LanguageModel, session: PaymentSession): Promise<void> {
  const tools = paymentTools({ session, needsApproval: true })
  await generateText({ model, prompt: 'Buy it.', tools })
  await new ToolLoopAgent({ model, tools }).generate({ prompt: 'Buy it.' })
  const own: Tool<PayArguments, PaymentProgress | ModelResult> = tools.pay_within_session
  const shared = paymentTools({
    session: (context: { readonly payer: PaymentSession }) => context.payer,
    conversation: (context) => context.payer.id,
  })
  await generateText({
    model,
    prompt: 'Buy it.',
    tools: shared,
    toolsContext: { pay_within_session: { payer: session } },
  })
  await generateText({
    model,
    prompt: 'Buy it.',
    tools: shared,
    toolsContext: { pay_within_session: { payer: session } },
    toolApproval: paymentApproval(shared),
  })
  await generateText({ model, prompt: 'Buy it.', tools, toolApproval: paymentApproval(tools) })
  // @ts-expect-error A tool that finds its session in the context cannot be used without one.
  await generateText({ model, prompt: 'Buy it.', tools: shared })
  const input = (given: InferToolInput<typeof own>): PayArguments => given
  const output = (given: InferToolOutput<typeof own>): PaymentProgress | ModelResult => given
  void [input, output]
}
