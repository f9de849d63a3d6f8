import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BursarError, PaymentSession, payTool, type SessionPort } from '@bursar/core'
import { fakeAsset, fakePayee } from '@bursar/core/testing'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { sdks } from '../test/sdk.ts'
import { openWorld, shop } from '../test/world.ts'
import { paymentTools } from './payment-tools.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
beforeEach(() => void emitWarning.mockClear())
afterAll(() => emitWarning.mockRestore())

/** What the operator was told. */
function warned(): readonly unknown[] {
  return emitWarning.mock.calls.map(([warning]) => warning)
}

function buy(path: string, more: object = {}): object {
  return { url: shop(path), purpose: 'a test', ...more }
}

describe.each(sdks)('paymentTools in version $version of the AI SDK', (sdk) => {
  describe.each(['generate', 'stream', 'agent'] as const)('under %s', (loop) => {
    test('pays, gets what is free, and is refused, each as a result', async () => {
      const { session, chain } = await openWorld({
        limits: { currency: 'USD', total: '0.015' },
        resource: ({ url }) => (url.pathname === '/free' ? { offers: [] } : {}),
      })
      const outcome = await sdk[loop]({
        tools: paymentTools({ session }),
        script: [
          [{ id: 'call-1', input: buy('paid') }],
          [{ id: 'call-2', input: buy('free') }],
          [{ id: 'call-3', input: buy('dear') }],
          'Done.',
        ],
      })
      const content = '<untrusted-content>\n{"delivered":true}\n</untrusted-content>'
      const remaining = { amount: '0.005', currency: 'USD' }
      expect(outcome.told).toEqual([
        {
          status: 'paid',
          content,
          receipt: {
            id: expect.stringMatching(/^pay_/),
            amount: '0.01',
            currency: 'USD',
            merchant: 'shop.example',
            at: '2030-01-01T00:00:00.000Z',
            settlement: 'claimed',
          },
          remaining,
          message: 'Paid 0.01 USD to shop.example. 0.005 USD is left.',
        },
        {
          status: 'free',
          content,
          remaining,
          message: 'The resource answered with HTTP status 200 and asked for no payment.',
        },
        {
          status: 'denied',
          code: 'session_limit_exceeded',
          remaining,
          message:
            "Payment of 0.01 USD is over what is left of the session's budget. 0.005 USD is left. Ask for something cheaper, or go on without paying.",
        },
      ])
      expect(chain.transfers()).toMatchObject([{ to: fakePayee, atomic: 10_000n }])
      expect(warned()).toEqual([])
    })
  })

  test('shows the model the one tool with the schema of the core', async () => {
    const { session } = await openWorld()
    const { offered } = await sdk.generate({ tools: paymentTools({ session }), script: [] })
    expect(offered).toEqual([
      {
        type: 'function',
        name: 'pay_within_session',
        description: payTool.description,
        inputSchema: payTool.inputSchema,
      },
    ])
  })

  test('streams each step, and the result at last', async () => {
    const { session } = await openWorld()
    const { streamed } = await sdk.stream({
      tools: paymentTools({ session }),
      script: [[{ id: 'call-1', input: buy('paid') }]],
    })
    expect(streamed.map(({ output }) => output)).toMatchObject([
      { status: 'working', step: 'quoting' },
      { status: 'working', step: 'deciding' },
      { status: 'working', step: 'signing' },
      { status: 'working', step: 'sending' },
      { status: 'paid' },
      { status: 'paid' },
    ])
    expect(streamed.map(({ preliminary }) => preliminary)).toEqual([
      ...Array<boolean>(5).fill(true),
      false,
    ])
  })

  test('finds the session in the server-side context', async () => {
    const { session, chain } = await openWorld()
    const tools = paymentTools({
      session: async (context: { readonly payer: PaymentSession }) => context.payer,
      conversation: (context) => `chat of ${context.payer.id}`,
    })
    const { told } = await sdk.generate({
      tools,
      context: { payer: session },
      script: [[{ id: 'call-1', input: buy('paid') }]],
    })
    expect(told).toMatchObject([{ status: 'paid' }])
    expect(chain.transfers()).toHaveLength(1)
  })

  test.each<[string, (session: PaymentSession) => unknown, string]>([
    ['nothing', () => undefined, 'there was none for a call'],
    ['null', () => null, 'there was none for a call'],
    ['a plain object', ({ id }) => ({ id, pay: () => undefined }), 'there was no PaymentSession'],
    ['a clone', (session) => structuredClone(session), 'there was no PaymentSession'],
    ['its JSON', (session) => JSON.parse(JSON.stringify(session)), 'there was no PaymentSession'],
    ['its prototype', () => Object.create(PaymentSession.prototype), 'there was no PaymentSession'],
  ])('pays nothing where the context holds %s', async (_what, copy, warning) => {
    const { session, merchant } = await openWorld()
    const { told } = await sdk.generate({
      tools: paymentTools({ session: (context: unknown) => context as PaymentSession }),
      context: copy(session),
      // A model that names a session gets nowhere by it.
      script: [[{ id: 'call-1', input: buy('paid', { session: session.id }) }]],
    })
    expect(told).toEqual([
      {
        status: 'denied',
        code: 'session_unknown',
        message: 'There is no payment session for this call. Do not try again. Tell the user.',
      },
    ])
    expect(merchant.requests).toEqual([])
    expect(warned()).toEqual([expect.stringContaining(warning)])
  })

  test('pays nothing where finding the session fails, and tells the operator alone why', async () => {
    const { told, everything } = await sdk.generate({
      tools: paymentTools({ session: () => Promise.reject(new Error('database "x" is down')) }),
      script: [[{ id: 'call-1', input: buy('paid') }]],
    })
    expect(told).toMatchObject([{ status: 'denied', code: 'session_unknown' }])
    expect(everything).not.toContain('is down')
    expect(warned()).toEqual([
      'paymentTools: session: it could not be found for a call: database "x" is down',
    ])
  })

  test('tells the model of a failed guard without its cause', async () => {
    const failing: SessionPort = {
      pay: () => Promise.reject(new BursarError('store_failed', 'disk /dev/sda is full')),
      quote: () => Promise.reject(new Error('unused')),
      status: () => Promise.reject(new Error('unused')),
      close: () => Promise.reject(new Error('unused')),
      openChild: () => Promise.reject(new Error('unused')),
    }
    const { told, everything } = await sdk.generate({
      tools: paymentTools({ session: new PaymentSession('ses_1', failing) }),
      script: [[{ id: 'call-1', input: buy('paid') }]],
    })
    expect(told).toEqual([
      {
        status: 'failed',
        message:
          'The payment guard failed, and whether anything was paid is not known here. Do not try again. Tell the user.',
      },
    ])
    expect(everything).not.toContain('disk')
    expect(warned()).toEqual([
      'paymentTools: a call failed in session ses_1: store_failed: disk /dev/sda is full',
    ])
  })

  test('pays nothing for a call whose conversation cannot be named', async () => {
    const { session, merchant } = await openWorld()
    const { told } = await sdk.generate({
      tools: paymentTools({ session, conversation: () => '' }),
      script: [[{ id: 'call-1', input: buy('paid') }]],
    })
    expect(told).toMatchObject([{ status: 'failed' }])
    expect(merchant.requests).toEqual([])
    expect(warned()).toEqual([expect.stringContaining('conversation: must be a text')])
  })

  test('leaves bad and unknown arguments to the guard, which denies and records', async () => {
    const { session, merchant, bursar } = await openWorld()
    const { told } = await sdk.generate({
      tools: paymentTools({ session }),
      script: [
        [{ id: 'call-1', input: { url: 7, purpose: 'a test' } }],
        [{ id: 'call-2', input: [] }],
        [{ id: 'call-3', input: buy('paid', { maxAmount: '1e3' }) }],
        [{ id: 'call-4', input: buy('paid', { budget: '1000.00' }) }],
      ],
    })
    expect(told).toMatchObject([
      { status: 'denied', code: 'request_not_allowed' },
      { status: 'denied', code: 'request_not_allowed' },
      { status: 'denied', code: 'request_not_allowed' },
      { status: 'paid' },
    ])
    expect(merchant.requests).toHaveLength(2)
    const { rows } = await bursar.auditing.read()
    expect(rows.filter(({ event }) => 'ignoredArguments' in event)).toMatchObject([
      { event: { type: 'payment-reserved', ignoredArguments: ['budget'] } },
    ])
  })

  test('pays one call once, however often its id comes back in one step', async () => {
    const { session, chain } = await openWorld()
    const call = { id: 'call-1', input: buy('paid') }
    const { told } = await sdk.generate({
      tools: paymentTools({ session, conversation: 'chat-1' }),
      script: [[call, call, call]],
    })
    expect(told).toMatchObject([{ status: 'paid' }, { status: 'paid' }, { status: 'paid' }])
    expect(new Set(told.map((result) => JSON.stringify(result))).size).toBe(1)
    expect(chain.transfers()).toHaveLength(1)
  })

  test('pays an approved call once, although its history is sent again later', async () => {
    const { session, chain, clock } = await openWorld()
    const { pay_within_session: tool } = paymentTools({ session, conversation: 'chat-1' })
    const input = buy('paid')
    const call = { type: 'tool-call', toolCallId: 'call-1', toolName: payTool.name, input }
    const run = {
      tools: { pay_within_session: { ...tool, needsApproval: true } },
      script: ['Done.'],
      messages: [
        { role: 'user', content: 'Buy it.' },
        {
          role: 'assistant',
          content: [
            call,
            { type: 'tool-approval-request', approvalId: 'yes-1', toolCallId: 'call-1' },
          ],
        },
        {
          role: 'tool',
          content: [{ type: 'tool-approval-response', approvalId: 'yes-1', approved: true }],
        },
      ],
    }
    const first = await sdk.generate(run)
    // Long after the time in which any identical request is answered without a second payment.
    clock.advance(20 * 60_000)
    const again = await sdk.generate(run)
    expect(first.told.at(-1)).toMatchObject({ status: 'paid' })
    expect(again.told.at(-1)).toEqual(first.told.at(-1))
    expect(chain.transfers()).toHaveLength(1)
  })

  test('pays for ten of thirty calls at once where there is budget for ten', async () => {
    const { session, chain } = await openWorld({ limits: { currency: 'USD', total: '0.10' } })
    const calls = Array.from({ length: 30 }, (_, index) => ({
      id: `call-${index}`,
      input: buy(`item-${index}`),
    }))
    const { told } = await sdk.generate({
      tools: paymentTools({ session, conversation: 'chat-1' }),
      script: [calls],
    })
    const results = told as readonly { readonly status: string; readonly code?: string }[]
    const outcomes = results.map(({ status, code }) => code ?? status).sort()
    expect(outcomes).toEqual([
      ...Array<string>(10).fill('paid'),
      ...Array<string>(20).fill('session_limit_exceeded'),
    ])
    expect(chain.transfers()).toHaveLength(10)
    expect((await session.status()).remaining).toBe('0.00')
  })

  test('pays nothing once the run was stopped', async () => {
    const stop = new AbortController()
    const { session, chain, bursar } = await openWorld({
      onMoment: () => stop.abort(new Error('the user went away')),
    })
    const run = sdk.generate({
      tools: paymentTools({ session }),
      script: [[{ id: 'call-1', input: buy('paid') }]],
      abortSignal: stop.signal,
    })
    await expect(run).rejects.toThrow('the user went away')
    await bursar.close()
    expect(chain.received).toEqual([])
  })

  test('lets no secret out: not in messages, results, steps or the stream', async () => {
    const { session, token, chain } = await openWorld()
    const outcome = await sdk.stream({
      tools: paymentTools({ session: (given: unknown) => given as PaymentSession }),
      context: session,
      script: [
        [{ id: 'call-1', input: buy('paid') }],
        [{ id: 'call-2', input: { url: 'nonsense', purpose: 'a test' } }],
      ],
    })
    expect(outcome.told).toMatchObject([{ status: 'paid' }, { status: 'denied' }])
    const [signed] = chain.received
    const secrets = [
      token,
      token.slice(-43),
      signed?.signature ?? '',
      signed?.authorization.from ?? '',
      signed?.authorization.nonce ?? '',
      fakePayee,
      fakeAsset.address,
    ]
    expect(secrets.filter((secret) => secret.length < 20)).toEqual([])
    expect(secrets.filter((secret) => outcome.everything.includes(secret))).toEqual([])
  })

  test('fits its types', async () => {
    const project = new URL(sdk.consumer.href.replace(/ts$/, 'json'))
    const compiler = new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url)
    const command = [fileURLToPath(compiler), '-p', fileURLToPath(project)]
    const compiled = promisify(execFile)(process.execPath, command)
    expect(await compiled.catch((error: { stdout: string }) => error)).toMatchObject({
      stdout: '',
      stderr: '',
    })
  })
})

describe('paymentTools', () => {
  test.each([
    ['', 'conversation: must be a text that is not empty'],
    [7 as unknown as string, 'conversation: must be a text that is not empty'],
  ])('refuses the conversation %j at once', async (conversation, message) => {
    const { session } = await openWorld()
    expect(() => paymentTools({ session, conversation })).toThrow(message)
  })

  test('stops no payment where nobody listens to its progress', async () => {
    const { session, chain, bursar } = await openWorld()
    const tools = paymentTools({ session, conversation: 'chat-1' })
    const { execute } = tools.pay_within_session
    const progress = execute({ url: shop('paid'), purpose: 'a test' }, { toolCallId: 'call-1' })
    expect(await progress.next()).toEqual({
      done: false,
      value: { status: 'working', step: 'quoting' },
    })
    await progress.return()
    await bursar.close()
    expect(chain.transfers()).toHaveLength(1)
  })
})
