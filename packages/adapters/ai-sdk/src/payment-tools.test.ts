import { fakePaidWorld, type PaidSession, type PaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Any, type Sdk, scriptedModel, sdks } from '../test/sdk.ts'
import { paymentApproval } from './payment-approval.ts'
import { paymentTools } from './payment-tools.ts'

let world: PaidWorld
let paid: PaidSession

beforeEach(async () => {
  world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  paid = await world.openSession()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await world.close()
})

const conversation = 'chat-1'
const buy = (id = 'call-1') => ({ id, input: { url: world.url('paid', 'a'), purpose: 'a test' } })

describe.each(sdks)('paymentTools in version $version of the AI SDK', (version) => {
  const { sdk } = version
  const base = (script: Parameters<typeof scriptedModel>[1] = []) => ({
    model: scriptedModel(version, script),
    tools: paymentTools({ session: paid.session, conversation }),
    stopWhen: sdk.stepCountIs(20),
    prompt: 'Buy it.',
  })

  test('streams each step, and the result at last', async () => {
    const parts: Any[] = []
    for await (const part of sdk.streamText(base([[buy()]])).fullStream) {
      if (part.type === 'tool-result') parts.push(part)
    }
    expect(
      parts.map(({ output, preliminary }) => [output.step ?? output.status, preliminary ?? false]),
    ).toEqual([
      ['quoting', true],
      ['deciding', true],
      ['signing', true],
      ['sending', true],
      ['paid', true],
      ['paid', false],
    ])
  })

  test('shows each step in a chat, and the result at last', async () => {
    const seen = new Set<string>()
    const stream = sdk.streamText(base([[buy()]])).toUIMessageStream()
    for await (const message of sdk.readUIMessageStream({ stream })) {
      for (const part of message.parts) {
        if (part.type !== 'tool-pay_within_session' || !part.output) continue
        seen.add(`${part.state} ${part.output.step ?? part.output.status}`)
      }
    }
    expect([...seen]).toEqual(
      ['quoting', 'deciding', 'signing', 'sending', 'paid'].map(
        (step) => `output-available ${step}`,
      ),
    )
  })

  test('pays once where the model call after it fails and is retried', async () => {
    const { model, ...rest } = base([[buy()]])
    const doGenerate = model.doGenerate.bind(model)
    let calls = 0
    model.doGenerate = async (options: unknown) => {
      calls += 1
      if (calls !== 2) return doGenerate(options)
      const overloaded = { url: 'x', requestBodyValues: {}, statusCode: 529, isRetryable: true }
      throw new sdk.APICallError({ message: 'overloaded', ...overloaded })
    }
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const running = sdk.generateText({ ...rest, model, maxRetries: 1 })
    await vi.waitUntil(() => calls === 2)
    await vi.advanceTimersByTimeAsync(60_000)
    vi.useRealTimers()
    expect((await running).text).toBe('Done.')
    expect([calls, await world.moved()]).toEqual([3, 1])
  })

  test('stops no payment where nobody reads its stream to the end', async () => {
    const result = sdk.streamText(base([[buy()]]))
    for await (const part of result.fullStream) {
      if (part.type === 'tool-result' && part.output.step === 'signing') break
    }
    await world.close()
    expect(await world.moved()).toBe(1)
  })
})

describe('paymentTools', () => {
  test('is paid, and not failed, where the time of the tool ends while it pays', async () => {
    const version = sdks.find((one) => one.version === 7) as Sdk
    const late = new AbortController()
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal)
    world.before('paying', () => late.abort(new DOMException('too late', 'TimeoutError')))
    const { steps } = await version.sdk.generateText({
      model: scriptedModel(version, [[buy()]]),
      tools: paymentTools({ session: paid.session, conversation }),
      stopWhen: version.sdk.stepCountIs(20),
      prompt: 'Buy it.',
      timeout: { toolMs: 1_000 },
    })
    expect(late.signal.aborted).toBe(true)
    const [result] = steps.flatMap((step: Any) => step.toolResults)
    expect(result).toMatchObject({ output: { status: 'paid' } })
    expect(await world.moved()).toBe(1)
  })

  test('stops no payment where nobody listens to its progress', async () => {
    const { execute } = paymentTools({ session: paid.session, conversation }).pay_within_session
    const progress = execute(buy().input, { toolCallId: 'call-1' })
    const first = { done: false, value: { status: 'working', step: 'quoting' } }
    expect(await progress.next()).toEqual(first)
    await progress.return()
    await world.close()
    expect(await world.moved()).toBe(1)
  })

  test('asks nobody by itself', () => {
    const { pay_within_session: tool } = paymentTools({ session: paid.session })
    expect(tool).not.toHaveProperty('needsApproval')
  })

  test('refuses an approval of tools that are not its own', () => {
    const { pay_within_session: tool } = paymentTools({ session: paid.session })
    expect(() => paymentApproval({ pay_within_session: { ...tool } })).toThrow(
      'paymentApproval: tools: must be made by paymentTools.',
    )
  })
})
