import { HumanMessage } from '@langchain/core/messages'
import * as langchain from 'langchain'
import { createMiddleware, FakeToolCallingModel, tool } from 'langchain'
import { type GuardWorld, shop } from '../../../../test/guard-world.ts'

/** A time after which an identical request is paid again. */
export const LATER_MS: number = 20 * 60_000

export const go: { messages: HumanMessage[] } = { messages: [new HumanMessage('Buy it.')] }

export const thread: { configurable: { thread_id: string } } = {
  configurable: { thread_id: 'thread-1' },
}

/** A tool call by the model. */
export interface Call {
  readonly type: 'tool_call'
  readonly name: string
  readonly args: Record<string, unknown>
  readonly id: string
}

export function buy(id: string, path = 'a', more: object = {}): Call {
  const args = { url: shop(path), purpose: 'a test', ...more }
  return { type: 'tool_call', name: 'pay_within_session', args, id }
}

/** Makes a model that makes these calls, one step after the other, and then ends. */
export function modelThat(...steps: readonly (readonly Call[])[]): FakeToolCallingModel {
  const toolCalls = [...steps, []].map((calls) => calls.map((call) => ({ ...call })))
  return new FakeToolCallingModel({ toolCalls })
}

interface State {
  readonly messages: readonly { readonly content: unknown; getType(): string }[]
}

/** Lists the results of the model's calls of the payment tool, in their order. */
export function told(state: State): unknown[] {
  return state.messages
    .filter((message) => message.getType() === 'tool' && String(message.content).startsWith('{'))
    .map(({ content }) => JSON.parse(String(content)))
}

/** Lists the interrupts that have stopped the graph. */
export function questions(
  state: object,
): readonly { readonly id: string; readonly value: unknown }[] {
  return (state as { __interrupt__?: { id: string; value: unknown }[] }).__interrupt__ ?? []
}

/** Records an answer at the guard, as the server of an application would. */
export async function answer(
  { bursar }: GuardWorld,
  word: 'approve' | 'deny',
  path = 'a',
): Promise<void> {
  const endUser = bursar.endUser('alice')
  const { rows } = await endUser.approvals({ waiting: true })
  const asked = rows.filter(({ card }) => card.resource === `GET /${path}`)
  if (asked.length !== 1) throw new Error(`${asked.length} approvals wait for ${path}.`)
  for (const { id } of asked) await endUser[word](id)
}

/** A middleware that does nothing. With any middleware, an error of a tool ends the run. */
export const passing: ReturnType<typeof createMiddleware> = createMiddleware({
  name: 'passing',
  wrapToolCall: (call, next) => next(call),
})

/** LangChain's own middleware that retries tools. Undefined if the version has none. */
export const retrying: typeof passing | undefined =
  'toolRetryMiddleware' in langchain
    ? // Its types do not know `exactOptionalPropertyTypes`.
      (langchain.toolRetryMiddleware({
        maxRetries: 2,
        initialDelayMs: 1,
      }) as unknown as typeof passing)
    : undefined

/** A middleware that retries a tool after anything it throws, even after an interrupt. */
export const stubborn: typeof passing = createMiddleware({
  name: 'stubborn',
  wrapToolCall: async (call, next) => {
    try {
      return await next(call)
    } catch {
      return next(call)
    }
  },
})

/** Makes another tool, which fails its first run once `until` has resolved. */
export function fragile(until: () => Promise<unknown>): {
  made: ReturnType<typeof tool>
  runs: string[]
  call: Call
} {
  const runs: string[] = []
  const made = tool(
    async () => {
      runs.push('run')
      if (runs.length > 1) return 'fine'
      await until()
      throw new Error('the process has died')
    },
    { name: 'fragile', description: 'fails once', schema: { type: 'object', properties: {} } },
  )
  const call = { type: 'tool_call', name: 'fragile', args: {}, id: 'fragile-1' } as const
  return { made, runs, call }
}

/** Prices one path at two cents, and all others at one. */
export function dearIf(
  path: string,
): (request: { readonly url: URL }) => { offers?: { atomic: bigint }[] } {
  return ({ url }) => (url.pathname === `/${path}` ? { offers: [{ atomic: 20_000n }] } : {})
}
