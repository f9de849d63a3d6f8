import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BursarError } from '../primitives/errors.ts'
import type { Call, PayRequest, PayResult, QuoteResult } from './pay-result.ts'
import { PaymentSession, type SessionPort } from './payment-session.ts'
import { findSession, type ToolCallsOptions, type ToolContent, toolCalls } from './tool-calls.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
beforeEach(() => void emitWarning.mockClear())
afterEach(() => void vi.useRealTimers())
afterAll(() => emitWarning.mockRestore())

/** Returns the warnings that the operator got. */
function warned(): readonly unknown[] {
  return emitWarning.mock.calls.map(([warning]) => warning)
}

const remaining = { amount: '0.99', currency: 'USD' }
const body = new TextEncoder().encode('hello')
const response = { status: 200, headers: { 'content-type': 'image/png' }, body, truncated: false }
const free: PayResult = { status: 'free', response, remaining, message: 'm' }
const approval = {
  id: 'apr_1',
  expiresAt: '2030-01-01T00:00:00.000Z',
  card: {
    amount: '0.01',
    currency: 'USD',
    merchant: 'shop.example',
    payee: '0x1',
    network: 'eip155:1',
    resource: 'GET /a',
    agent: 'researcher',
    agentSays: 'read it',
  },
} as const
const asking = {
  status: 'approval_required',
  code: 'approval_required',
  approval,
  remaining,
  message: 'm',
} as const

interface Asked {
  readonly method: 'pay' | 'quote'
  readonly request: PayRequest
  readonly call: Call
}

function sessionThat(answers: {
  pay?: () => Promise<PayResult>
  quote?: () => Promise<QuoteResult>
}): {
  session: PaymentSession
  asked: Asked[]
} {
  const asked: Asked[] = []
  const unused = () => Promise.reject(new Error('unused'))
  const port: SessionPort = {
    pay: (request, call) => {
      asked.push({ method: 'pay', request, call })
      return (answers.pay ?? unused)()
    },
    quote: (request, call) => {
      asked.push({ method: 'quote', request, call })
      return (answers.quote ?? unused)()
    },
    prove: unused,
    conclude: unused,
    status: unused,
    close: unused,
    openChild: unused,
  }
  return { session: new PaymentSession('ses_1', port), asked }
}

const input = { url: 'https://shop.example/a', purpose: 'a test' }
const call = { input, context: undefined, id: 'call-1' }

describe('the session of a call', () => {
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the one for a call is nothing'],
    ['null', null, 'the one for a call is nothing'],
    ['a plain object', { id: 'ses_1', pay: () => free }, 'the one for a call is no PaymentSession'],
    ['an heir', Object.create(PaymentSession.prototype), 'the one for a call is no PaymentSession'],
  ])('is not %s: nothing is paid, and nobody is asked', async (_what, given, warning) => {
    for (const session of [() => given, async () => given]) {
      emitWarning.mockClear()
      const calls = toolCalls({ session } as ToolCallsOptions)
      expect(await calls.pay(call)).toEqual({
        result: {
          status: 'denied',
          code: 'session_unknown',
          message: 'There is no payment session for this call. Do not try again. Tell the user.',
        },
      })
      expect(await calls.question(call)).toBeUndefined()
      expect(warned()).toEqual([expect.stringContaining(warning), expect.stringContaining(warning)])
    }
  })

  test('is looked for anew for each call, in its context', async () => {
    const [a, b] = [sessionThat({ pay: async () => free }), sessionThat({ pay: async () => free })]
    const { pay } = toolCalls({ session: (payer: PaymentSession) => payer })
    await pay({ ...call, context: a.session })
    await pay({ ...call, context: b.session })
    expect([a.asked.length, b.asked.length]).toEqual([1, 1])
  })

  test('that cannot be found is told to the operator alone', async () => {
    const calls = toolCalls({ session: () => Promise.reject(new Error('database "x" is down')) })
    expect((await calls.pay(call)).result).toMatchObject({ code: 'session_unknown' })
    expect(await calls.question(call)).toBeUndefined()
    const warning = 'paymentTools: session: it could not be found for a call: database "x" is down'
    expect(warned()).toEqual([warning, warning])
  })

  test('is found in the same way by what pays for other tools, which the operator is told by name', async () => {
    const { session } = sessionThat({})
    expect(await findSession(async (payer) => payer, session, 'payingMcpFetch')).toBe(session)
    expect(await findSession(() => ({ ...session }) as never, {}, 'payingMcpFetch')).toBeUndefined()
    expect(warned()).toEqual([
      expect.stringMatching(/^payingMcpFetch: session: the one for a call is no/),
    ])
  })
})

describe('the conversation of a call', () => {
  test.each<[string, Partial<ToolCallsOptions<string>>, string | undefined, string | undefined]>([
    ['that the application names', { conversation: 'chat-1' }, undefined, 'chat-1'],
    ['that it finds', { conversation: (context) => `chat of ${context}` }, 'run', 'chat of alice'],
    ['of the framework', {}, 'thread-1', 'thread-1'],
    ['before that of the framework', { conversation: 'chat-1' }, 'thread-1', 'chat-1'],
    ['that nobody names', {}, undefined, undefined],
  ])('is the one %s', async (_what, options, conversation, expected) => {
    const { session, asked } = sessionThat({ pay: async () => free, quote: async () => free })
    const calls = toolCalls<string>({ session, ...options })
    await calls.pay({ ...call, context: 'alice', conversation })
    await calls.question({ ...call, context: 'alice', conversation })
    const keys = asked.map(({ call: { conversation: named, id } }) => [named, id])
    expect(keys).toEqual([
      [expected, 'call-1'],
      [expected, 'call-1'],
    ])
  })

  test.each([
    ['', 'an empty text'],
    [7, '7'],
    [undefined, 'undefined'],
  ])('cannot be %j', async (conversation, said) => {
    const { session, asked } = sessionThat({})
    const given = conversation as string
    const way = 'It must be a text that is not empty, or a function that gives one.'
    const problem = `paymentTools: conversation: gave ${said}. ${way}`
    if (given !== undefined) {
      const text = `paymentTools: conversation: is ${said}. ${way}`
      expect(() => toolCalls({ session, conversation: given })).toThrow(text)
    }
    const calls = toolCalls({ session, conversation: () => given })
    expect((await calls.pay(call)).result.status).toBe('failed')
    expect(await calls.question(call)).toBeUndefined()
    expect(asked).toEqual([])
    expect(warned()).toEqual([
      `paymentTools: a call failed in session ses_1: invalid_input: ${problem}`,
      `paymentTools: a call could not be quoted: invalid_input: ${problem}`,
    ])
  })
})

describe('pay', () => {
  test('passes on what the schema names, and the names of the rest', async () => {
    const { session, asked } = sessionThat({ pay: async () => free })
    const { signal } = new AbortController()
    const onProgress = () => {}
    const more = { ...input, headers: { cookie: 'x' }, session: 'ses_2' }
    await toolCalls({ session }).pay({ ...call, input: more, signal, onProgress })
    const [{ request, call: passed } = { request: undefined, call: undefined }] = asked
    expect(request).toEqual(input)
    expect(passed).toMatchObject({ ignored: ['headers', 'session'] })
    expect(passed?.signal).toBe(signal)
    expect(passed?.onProgress).toBe(onProgress)
  })

  test('tells the model of a failed guard without its cause', async () => {
    const { session } = sessionThat({
      pay: () => Promise.reject(new BursarError('store_failed', 'disk /dev/sda is full')),
    })
    expect(await toolCalls({ session }).pay(call)).toEqual({
      result: {
        status: 'failed',
        message:
          'The payment guard failed, and whether anything was paid is not known here. Do not try again. Tell the user.',
      },
    })
    expect(warned()).toEqual([
      'paymentTools: a call failed in session ses_1: store_failed: disk /dev/sda is full',
    ])
  })

  test('hands the question to the adapter, and none of it to the model', async () => {
    const { session } = sessionThat({ pay: async () => asking })
    const answer = await toolCalls({ session }).pay(call)
    expect(answer.approval).toEqual(approval)
    expect(answer.result).toEqual({
      status: 'approval_required',
      code: 'approval_required',
      message: 'm',
      remaining,
    })
  })

  test('begins nothing for a call that the human has declined by the means of the framework', async () => {
    const declinedResult = {
      result: {
        status: 'denied',
        code: 'approval_denied',
        message: 'The user said no to this payment. Do not try again.',
      },
    }
    const stopped: PayResult = { status: 'failed', message: 'The call was stopped.' }
    for (const answer of [stopped, asking]) {
      const { session, asked } = sessionThat({ pay: async () => answer })
      const { signal } = new AbortController()
      const { pay } = toolCalls({ session })
      expect(await pay({ ...call, signal, declined: true })).toEqual(declinedResult)
      expect(asked[0]?.call.signal?.aborted).toBe(true)
    }
  })

  test('answers what was paid before it was declined, and says where nobody knows', async () => {
    const doubt: PayResult = { status: 'in_doubt', paymentId: 'pay_1', remaining, message: 'm' }
    const { session } = sessionThat({ pay: async () => doubt })
    const answered = await toolCalls({ session }).pay({ ...call, declined: true })
    expect(answered.result.status).toBe('in_doubt')
    const failing = sessionThat({ pay: () => Promise.reject(new Error('down')) })
    const failed = await toolCalls(failing).pay({ ...call, declined: true })
    expect(failed.result).toMatchObject({ status: 'failed' })
    expect(failed.result.message).toContain('not known')
  })
})

describe('onContent', () => {
  test('gets what was delivered as it came, with its call and its context', async () => {
    const { session } = sessionThat({ pay: async () => free })
    const taken: [ToolContent, unknown][] = []
    const { pay } = toolCalls({ session, onContent: (...given) => void taken.push(given) })
    const { result } = await pay({ ...call, context: 'alice' })
    expect(taken).toEqual([
      [{ call: 'call-1', status: 200, type: 'image/png', body, truncated: false }, 'alice'],
    ])
    expect(result.content).toBe(
      '<untrusted-content>(binary content, image/png, 5 bytes)</untrusted-content>',
    )
  })

  test('is not called where nothing was delivered', async () => {
    const { session } = sessionThat({ pay: async () => asking })
    const onContent = vi.fn()
    await toolCalls({ session, onContent }).pay(call)
    expect(onContent).not.toHaveBeenCalled()
  })

  test.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('that %s changes no answer', async (_what, onContent) => {
    const { session } = sessionThat({ pay: async () => free })
    const { result } = await toolCalls({ session, onContent }).pay(call)
    expect(result.status).toBe('free')
    expect(warned()).toEqual([
      'paymentTools: onContent: the content of a call was not taken: disk full',
    ])
  })

  test('that writes over the body changes no answer', async () => {
    const text = { ...response, headers: { 'content-type': 'text/plain' } }
    const { session } = sessionThat({ pay: async () => ({ ...free, response: text }) })
    const onContent = (content: ToolContent) => void content.body.fill(0x61)
    const { result } = await toolCalls({ session, onContent }).pay(call)
    expect(result.content).toContain('hello')
  })

  test('that never ends keeps the answer back for five seconds', async () => {
    vi.useFakeTimers()
    const { session } = sessionThat({ pay: async () => free })
    const paying = toolCalls({ session, onContent: () => new Promise(() => {}) }).pay(call)
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await paying).result.status).toBe('free')
    expect(warned()).toEqual([expect.stringContaining('timed_out')])
  })
})

describe('question', () => {
  test('is what waits, and pays nothing', async () => {
    const { session, asked } = sessionThat({ quote: async () => asking })
    expect(await toolCalls({ session }).question(call)).toEqual(approval)
    expect(asked.map(({ method }) => method)).toEqual(['quote'])
  })

  test.each<QuoteResult>([
    free,
    { status: 'payable', price: remaining, merchant: 'shop.example', remaining, message: 'm' },
    { status: 'denied', code: 'approval_denied', message: 'm' },
    { status: 'failed', message: 'm' },
  ])('is none where the quote is $status', async (quoted) => {
    const { session } = sessionThat({ quote: async () => quoted })
    expect(await toolCalls({ session }).question(call)).toBeUndefined()
    expect(warned()).toEqual([])
  })

  test('is none where the guard fails, and the operator is told', async () => {
    const { session } = sessionThat({ quote: () => Promise.reject(new Error('disk full')) })
    expect(await toolCalls({ session }).question(call)).toBeUndefined()
    expect(warned()).toEqual(['paymentTools: a call could not be quoted: disk full'])
  })

  test('is none after ten seconds, and the quote is stopped', async () => {
    vi.useFakeTimers()
    const { session, asked } = sessionThat({ quote: () => new Promise(() => {}) })
    const questioning = toolCalls({ session }).question(call)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(asked[0]?.call.signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await questioning).toBeUndefined()
    expect(asked[0]?.call.signal?.aborted).toBe(true)
    expect(warned()).toEqual([expect.stringContaining('timed_out')])
  })

  test('is stopped with the run', async () => {
    const { session, asked } = sessionThat({ quote: () => new Promise(() => {}) })
    const stop = new AbortController()
    void toolCalls({ session }).question({ ...call, signal: stop.signal })
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    stop.abort()
    expect(asked[0]?.call.signal?.aborted).toBe(true)
  })
})

describe('what a quote has fetched for nothing', () => {
  const fetching = async () => {
    const { session, asked } = sessionThat({ pay: async () => free, quote: async () => free })
    const taken: ToolContent[] = []
    const onContent = (content: ToolContent) => void taken.push(content)
    const calls = toolCalls({ session, onContent })
    expect(await calls.question(call)).toBeUndefined()
    const sent = () => asked.map(({ method }) => method)
    return { ...calls, taken, sent }
  }

  test('is the answer of the call that follows, once', async () => {
    const { pay, sent, taken } = await fetching()
    const { result } = await pay({ ...call })
    expect(result).toMatchObject({ status: 'free', message: 'm' })
    expect([sent(), taken.length]).toEqual([['quote'], 1])
    await pay(call)
    expect(sent()).toEqual(['quote', 'pay'])
  })

  test.each<[string, object]>([
    ['another id', { id: 'call-2' }],
    ['another conversation', { conversation: 'chat-2' }],
    ['other arguments', { input: { ...input, method: 'POST' } }],
  ])('is not the answer of a call with %s', async (_what, other) => {
    const { pay, sent } = await fetching()
    await pay({ ...call, ...other })
    expect(sent()).toEqual(['quote', 'pay'])
  })

  test('is not the answer of a call in another conversation that the application names', async () => {
    const { session, asked } = sessionThat({ pay: async () => free, quote: async () => free })
    const conversation = (context: unknown) => `the chat of ${context}`
    const { pay, question } = toolCalls<unknown>({ session, conversation })
    await question({ ...call, context: 'alice' })
    await pay({ ...call, context: 'bob' })
    await pay({ ...call, context: 'alice' })
    expect(asked.map(({ method, call: { conversation: named } }) => [method, named])).toEqual([
      ['quote', 'the chat of alice'],
      ['pay', 'the chat of bob'],
    ])
  })

  test('waits for a minute', async () => {
    vi.useFakeTimers()
    const { pay, sent } = await fetching()
    await vi.advanceTimersByTimeAsync(60_000)
    await pay(call)
    expect(sent()).toEqual(['quote', 'pay'])
  })

  test('gives way to what is fetched after it', async () => {
    const { pay, question, sent } = await fetching()
    for (let index = 0; index < 20; index += 1) await question({ ...call, id: `later-${index}` })
    await pay(call)
    expect(sent().filter((method) => method === 'pay')).toHaveLength(1)
    await pay({ ...call, id: 'later-0' })
    expect(sent().filter((method) => method === 'pay')).toHaveLength(1)
  })

  test('is of no use to a call without an id', async () => {
    const { pay, question, sent } = await fetching()
    await question({ ...call, id: undefined })
    await pay({ ...call, id: undefined })
    expect(sent()).toEqual(['quote', 'quote', 'pay'])
  })
})
