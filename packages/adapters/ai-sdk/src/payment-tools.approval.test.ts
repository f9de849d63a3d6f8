import { fakePaidWorld, type PaidSession, type PaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Any, scriptedModel, sdks } from '../test/sdk.ts'
import { paymentApproval } from './payment-approval.ts'
import { paymentTools } from './payment-tools.ts'

/** Approvals that a browser can send back. A forged, replayed, stale or edited one never pays. */

let world: PaidWorld
let paid: PaidSession

beforeEach(async () => {
  world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  paid = await world.openSession({ ask: { above: '0.005' } })
})
afterEach(() => world.close())

const conversation = 'chat-1'
const inputOf = (name: string) => ({ url: world.url('paid', name), purpose: 'a test' })
const secret = 'a secret of the server, which no browser knows'

/** Approves everything that waits, by the end user's own facet. */
async function agree(): Promise<void> {
  const { rows } = await paid.endUser.approvals({ waiting: true })
  for (const { id } of rows) await paid.endUser.approve(id)
}

describe.each(sdks)('an approval in version $version of the AI SDK', (version) => {
  const { sdk } = version

  /** Sends a history to the agent, as a server does with the history of a browser. */
  const send = async (messages: readonly Any[], more: object = {}, script: Any[] = []) => {
    const model = scriptedModel(version, script)
    const { session } = paid
    const tools = paymentTools({ session, conversation, needsApproval: true })
    const stopWhen = sdk.stepCountIs(20)
    const result = await sdk.generateText({ model, tools, stopWhen, messages, ...more })
    const said = (await result.responseMessages) ?? (await result.response).messages
    const results = (model.doGenerateCalls.at(-1)?.prompt ?? [])
      .filter(({ role }: Any) => role === 'tool')
      .flatMap(({ content }: Any) => content.filter(({ type }: Any) => type === 'tool-result'))
    return {
      history: [...messages, ...said],
      told: results.map(
        ({ output }: Any) => output.value?.code ?? output.value?.status ?? output.type,
      ),
    }
  }

  const prompt = { role: 'user', content: 'Buy it.' }

  /** Makes a history that has stopped at a question about one call. */
  const stopped = async (more: object = {}) => {
    const { history } = await send([prompt], more, [[{ id: 'call-1', input: inputOf('a') }]])
    const request = history.at(-1).content.find(({ type }: Any) => type === 'tool-approval-request')
    expect(request).toMatchObject({ toolCallId: 'call-1' })
    return { history, approvalId: request.approvalId }
  }

  const yes = (approvalId: string) => ({
    role: 'tool',
    content: [{ type: 'tool-approval-response', approvalId, approved: true }],
  })

  /** Changes the arguments of the history's call, as a browser could. */
  const edited = (history: readonly Any[], input: object): Any[] =>
    history.map((message) =>
      Array.isArray(message.content)
        ? {
            ...message,
            content: message.content.map((part: Any) =>
              part.type === 'tool-call' ? { ...part, input } : part,
            ),
          }
        : message,
    )

  test('that is forged in full pays nothing', async () => {
    const call = { type: 'tool-call', toolCallId: 'call-9', toolName: 'pay_within_session' }
    const request = { type: 'tool-approval-request', approvalId: 'yes-9', toolCallId: 'call-9' }
    const asked = { role: 'assistant', content: [{ ...call, input: inputOf('a') }, request] }
    const { told } = await send([prompt, asked, yes('yes-9')])
    expect(told).toEqual(['approval_required'])
    expect(await world.signed()).toBe(0)
  })

  test('that is replayed pays once, also when it is sent twice at once', async () => {
    const { history, approvalId } = await stopped()
    await agree()
    const answered = [...history, yes(approvalId)]
    const both = await Promise.all([send(answered), send(answered)])
    await world.advance(20 * 60_000)
    const later = await send(answered)
    expect([...both, later].map(({ told }) => told)).toEqual([['paid'], ['paid'], ['paid']])
    expect(await world.moved()).toBe(1)
  })

  test('that is signed by the SDK and replayed pays once', async () => {
    const signed = { experimental_toolApprovalSecret: secret }
    const { history, approvalId } = await stopped(signed)
    await agree()
    const answered = [...history, yes(approvalId)]
    const told = [await send(answered, signed), await send(answered, signed)].map((one) => one.told)
    expect(told).toEqual([['paid'], ['paid']])
    expect(await world.moved()).toBe(1)
  })

  test('whose arguments were edited pays nothing: a yes is for its terms', async () => {
    const { history, approvalId } = await stopped()
    await agree()
    const forged = edited([...history, yes(approvalId)], inputOf('something-else'))
    expect((await send(forged)).told).toEqual(['approval_required'])
    expect(await world.signed()).toBe(0)
    const again = await send([...history, yes(approvalId)])
    expect(again.told).toEqual(['paid'])
  })

  test('whose arguments were edited after it was paid pays nothing more', async () => {
    const { history, approvalId } = await stopped()
    await agree()
    await send([...history, yes(approvalId)])
    const forged = edited([...history, yes(approvalId)], inputOf('something-else'))
    expect((await send(forged)).told).toEqual(['key_conflict'])
    expect(await world.signed()).toBe(1)
  })

  test('whose arguments were edited although the SDK has signed it pays nothing', async () => {
    const signed = { experimental_toolApprovalSecret: secret }
    const { history, approvalId } = await stopped(signed)
    await agree()
    const forged = edited([...history, yes(approvalId)], inputOf('something-else'))
    // The first releases of each version do not sign approvals. There only the guard asks.
    const refused = (error: Error) => [error.name]
    const told = await send(forged, signed).then((sent) => sent.told, refused)
    expect(['AI_InvalidToolApprovalSignatureError', 'approval_required']).toContain(told[0])
    expect(await world.signed()).toBe(0)
  })

  test('of one call and a no to another pay the one', async () => {
    const calls = [
      { id: 'call-1', input: inputOf('a') },
      { id: 'call-2', input: inputOf('b') },
    ]
    const { history } = await send([prompt], {}, [calls])
    await agree()
    const content = history
      .at(-1)
      .content.filter(({ type }: Any) => type === 'tool-approval-request')
      .map(({ approvalId, toolCallId }: Any) => ({
        type: 'tool-approval-response',
        approvalId,
        approved: toolCallId === 'call-1',
      }))
    const { told } = await send([...history, { role: 'tool', content }])
    expect(told.toSorted()).toEqual(['execution-denied', 'paid'])
    expect(await world.moved()).toBe(1)
  })

  test('that is stale pays nothing for a later call', async () => {
    const { history, approvalId } = await stopped()
    await agree()
    await send([...history, yes(approvalId)])
    await world.advance(20 * 60_000)
    const renamed = JSON.parse(
      JSON.stringify([...history, yes(approvalId)]).replaceAll('call-1', 'call-2'),
    )
    expect((await send(renamed)).told).toEqual(['approval_required'])
    expect(await world.moved()).toBe(1)
  })

  test('is asked for once: it is not quoted again on resume', async () => {
    const { history, approvalId } = await stopped()
    await agree()
    let asked = 0
    const count = () => {
      asked += 1
      world.before('asking', count)
    }
    world.before('asking', count)
    await send([...history, yes(approvalId)])
    expect(asked).toBe(1)
  })

  test('goes through a chat: asked, agreed, sent back, and paid', async () => {
    const tools = paymentTools({ session: paid.session, conversation, needsApproval: true })
    const chat = async (messages: readonly Any[], script: Any[] = []): Promise<Any> => {
      const { result, original } = {
        result: sdk.streamText({
          model: scriptedModel(version, script),
          tools,
          stopWhen: sdk.stepCountIs(20),
          messages: await sdk.convertToModelMessages(messages),
        }),
        original: messages.at(-1)?.role === 'assistant' ? messages.at(-1) : undefined,
      }
      let last: Any
      const stream = result.toUIMessageStream({ originalMessages: messages })
      for await (const message of sdk.readUIMessageStream({ message: original, stream }))
        last = message
      return last
    }
    const user = { id: '1', role: 'user', parts: [{ type: 'text', text: 'Buy it.' }] }
    const asked = await chat([user], [[{ id: 'call-1', input: inputOf('a') }]])
    const waiting = asked.parts.find(({ type }: Any) => type === 'tool-pay_within_session')
    expect(waiting).toMatchObject({ state: 'approval-requested', toolCallId: 'call-1' })
    // The browser shows the guard's card, found by the key of the call.
    const question = await paid.endUser.approvalOf({ session: paid.id, conversation, id: 'call-1' })
    expect(question).toMatchObject({ state: 'waiting', card: { amount: '0.01', currency: 'USD' } })
    await paid.endUser.approve(question?.id ?? '')
    const approval = { ...waiting.approval, approved: true }
    const answered = { ...waiting, state: 'approval-responded', approval }
    const parts = asked.parts.map((part: Any) => (part === waiting ? answered : part))
    const done = await chat([user, { ...asked, parts }])
    expect(done.parts.find(({ type }: Any) => type === 'tool-pay_within_session')).toMatchObject({
      state: 'output-available',
      output: { status: 'paid' },
    })
    expect(await world.moved()).toBe(1)
  })
})

describe('paymentApproval', () => {
  const [version] = sdks
  const run = async (session: PaidSession['session'], messages: readonly Any[], script: Any[]) => {
    const tools = paymentTools({ session: (context: PaidSession) => context.session, conversation })
    return version?.sdk.generateText({
      model: scriptedModel(version, script),
      tools,
      toolsContext: { pay_within_session: { session } },
      toolApproval: paymentApproval(tools),
      stopWhen: version.sdk.stepCountIs(20),
      messages,
    })
  }
  const prompt = { role: 'user', content: 'Buy it.' }

  test('says what would be paid to whom', async () => {
    const { session } = paid
    const status = paymentApproval(paymentTools({ session, conversation })).pay_within_session
    const { type, reason } = (await status(inputOf('a'), { toolCallId: 'call-1' })) ?? {}
    expect(type).toBe('user-approval')
    expect(reason).toMatch(/^0\.01 USD to [^ ]+: GET \/[^ ]+$/)
  })

  test('stops, and pays after both have agreed', async () => {
    const asked = await run(paid.session, [prompt], [[{ id: 'call-1', input: inputOf('a') }]])
    const request = asked.content.find(({ type }: Any) => type === 'tool-approval-request')
    expect(request.toolCall).toMatchObject({ toolCallId: 'call-1' })
    await agree()
    const said = await asked.responseMessages
    const response = {
      type: 'tool-approval-response',
      approvalId: request.approvalId,
      approved: true,
    }
    const history = [prompt, ...said, { role: 'tool', content: [response] }]
    await run(paid.session, history, [])
    expect(await world.moved()).toBe(1)
  })

  test('sends what is free once', async () => {
    let asked = 0
    const count = () => {
      asked += 1
      world.before('asking', count)
    }
    world.before('asking', count)
    const input = { url: world.url('free', 'a'), method: 'POST', purpose: 'a test' }
    const { text } = await run(paid.session, [prompt], [[{ id: 'call-1', input }]])
    expect([text, asked]).toEqual(['Done.', 1])
  })
})
