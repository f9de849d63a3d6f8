import { paymentTools } from '@bursar/ai-sdk'
import { BursarError } from '@bursar/core'
import {
  convertToModelMessages,
  createUIMessageStreamResponse,
  type LanguageModel,
  safeValidateUIMessages,
  stepCountIs,
  streamText,
  toUIMessageStream,
} from 'ai'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import type { Allowance } from './allowance.ts'
import type { PageFile } from './page.ts'

/** The parts that a chat is built from. */
export interface ChatOptions {
  readonly allowance: Allowance
  readonly model: LanguageModel
  /** The page's files, by their paths. */
  readonly page: ReadonlyMap<string, PageFile>
}

/** A long conversation; more is no chat. */
const MAX_BODY_BYTES = 1_000_000

/** Steps of one answer: the model may buy a few things, and must come to an end. */
const MAX_STEPS = 8

const decimal = z
  .string()
  .regex(/^(?!0+(\.0+)?$)\d{1,4}(\.\d{1,6})?$/, 'must be an amount such as 1.00')
const budgetInput = z.strictObject({ total: decimal, askAbove: decimal })
const answerInput = z.strictObject({ toolCall: z.string().max(200), approved: z.boolean() })

/** The server of the chat: the page, the conversation, and the person's own side. */
export function chatApp({ allowance, model, page }: ChatOptions): Hono {
  const app = new Hono()
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'self'"], imgSrc: ["'self'", 'data:'] },
    }),
  )
  app.use(csrf())
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES }))
  app.post('/api/*', async (context, next) => {
    // A page of somebody else's cannot send this type without being asked for permission first.
    if (context.req.header('content-type')?.startsWith('application/json')) return next()
    return context.json({ problem: 'Send JSON.' }, 415)
  })
  app.onError((error, context) => {
    if (error instanceof z.ZodError) return context.json({ problem: z.prettifyError(error) }, 400)
    if (BursarError.isInstance(error)) return context.json({ problem: error.message }, 409)
    if (error instanceof HTTPException) return error.getResponse()
    throw error
  })
  app.post('/api/chat', async (context) => answer(allowance, model, await context.req.json()))
  app.post('/api/budget', async (context) => {
    await allowance.setBudget(budgetInput.parse(await context.req.json()))
    return context.json({})
  })
  app.get('/api/question/:toolCall', async (context) => {
    const card = await allowance.question(context.req.param('toolCall'))
    return context.json({ card: card ?? null })
  })
  app.post('/api/answer', async (context) => {
    const { toolCall, approved } = answerInput.parse(await context.req.json())
    return context.json({ approved: await allowance.answer(toolCall, approved) })
  })
  app.post('/api/revoke', async (context) => {
    await allowance.revoke()
    return context.json({})
  })
  app.get('/api/state', (context) => streamSSE(context, (stream) => watched(allowance, stream)))
  app.get('/*', (context) => {
    const file = page.get(context.req.path === '/' ? '/index.html' : context.req.path)
    return file ? context.body(file.body, 200, { 'content-type': file.type }) : context.notFound()
  })
  return app
}

/** One answer of the model, with its payments, as the page's `useChat` reads it. */
async function answer(
  allowance: Allowance,
  model: LanguageModel,
  body: { readonly messages?: unknown },
): Promise<Response> {
  const session = allowance.current()
  const checked = await safeValidateUIMessages({ messages: body?.messages })
  if (!checked.success) return Response.json({ problem: 'messages: are none.' }, { status: 400 })
  const result = streamText({
    model,
    messages: await convertToModelMessages(checked.data),
    tools: paymentTools({
      // Without a budget the tool says so.
      session: () => session,
      conversation: session?.id ?? 'without a budget',
      needsApproval: true,
    }),
    stopWhen: stepCountIs(MAX_STEPS),
  })
  return createUIMessageStreamResponse({
    stream: toUIMessageStream({ stream: result.stream, originalMessages: checked.data }),
  })
}

interface EventStream {
  readonly aborted: boolean
  writeSSE(message: { readonly data: string }): Promise<void>
  onAbort(listener: () => void): void
}

/** Sends the person's side as it is, and again whenever the ledger has changed. */
async function watched(allowance: Allowance, stream: EventStream): Promise<void> {
  let wake = (): void => {}
  let isNew = true
  const changed = (): void => {
    isNew = true
    wake()
  }
  const stop = allowance.watch(changed)
  stream.onAbort(changed)
  try {
    while (!stream.aborted) {
      if (!isNew) await new Promise<void>((resolve) => (wake = resolve))
      isNew = false
      await stream.writeSSE({ data: JSON.stringify(await allowance.state()) })
    }
  } finally {
    stop()
  }
}
