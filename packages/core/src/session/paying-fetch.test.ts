import { describe, expect, test } from 'vitest'
import { MAX_REQUEST_BODY_BYTES, parseRequest } from '../pay/request.ts'
import type {
  Call,
  PayRequest,
  PayResult,
  Receipt,
  ResourceResponse,
  WaitingApproval,
} from './pay-result.ts'
import { payingFetch } from './paying-fetch.ts'
import { PaymentSession } from './payment-session.ts'

const approval: WaitingApproval = {
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
}

const url = 'https://shop.example/a'
const remaining = { amount: '0.95', currency: 'USD' }
const receipt: Receipt = {
  paymentId: 'pay_1',
  amount: '0.05',
  currency: 'USD',
  merchant: 'shop.example',
  payee: `0x${'5e'.repeat(20)}`,
  network: 'eip155:8453',
  asset: `0x${'a5'.repeat(20)}`,
  at: '2030-01-01T00:00:00.000Z',
  settlement: 'claimed',
}
const resource: ResourceResponse = {
  status: 200,
  headers: { 'content-type': 'text/plain', 'x-trace': 'a' },
  body: new TextEncoder().encode('hello'),
  truncated: false,
}

const free = (response: Partial<ResourceResponse> = {}): PayResult => ({
  status: 'free',
  response: { ...resource, ...response },
  remaining,
  message: 'm',
})
const paid = (response: Partial<ResourceResponse> = {}): PayResult => ({
  status: 'paid',
  receipt,
  response: { ...resource, ...response },
  remaining,
  message: 'm',
})

function world(answer: PayResult | (() => Promise<PayResult>) = paid()) {
  const calls: { request: PayRequest; call: Call }[] = []
  const session = new PaymentSession('ses_1', {
    pay: async (request, call) => {
      calls.push({ request, call })
      return typeof answer === 'function' ? answer() : answer
    },
    quote: async () => paid(),
    prove: async () => paid(),
    conclude: async () => paid(),
    status: async () => ({ id: 'ses_1', state: 'open' }),
    close: async () => undefined,
    openChild: () => Promise.reject(new Error('unused')),
  })
  return { fetch: payingFetch(session), calls }
}

interface Problem {
  readonly status: number
  readonly code: string
  readonly outcome: string
  readonly detail: string
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.status).toBe(402)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return (await response.json()) as Problem
}

describe('what was paid or free', () => {
  test.each([paid(), free()])('is the own response of the merchant: $status', async (answer) => {
    const { fetch } = world(answer)
    const response = await fetch(url)
    expect(response).toBeInstanceOf(Response)
    expect([response.status, await response.text()]).toEqual([200, 'hello'])
    expect(Object.fromEntries(response.headers)).toEqual({
      ...resource.headers,
      'x-should-retry': 'false',
    })
  })

  test.each([301, 404, 409, 429, 500, 599])(
    'keeps the status %s of a free resource',
    async (status) => {
      const { fetch } = world(free({ status }))
      expect((await fetch(url)).status).toBe(status)
    },
  )

  test.each([204, 205, 304])('with status %s has no body', async (status) => {
    const { fetch } = world(free({ status }))
    const response = await fetch(url)
    expect([response.status, response.body]).toEqual([status, null])
  })

  test('of HEAD has no body', async () => {
    const { fetch } = world()
    const response = await fetch(url, { method: 'HEAD' })
    expect([response.status, response.body]).toEqual([200, null])
    expect(response.headers.get('x-trace')).toBe('a')
  })

  test('is a copy: reading it does not change what the guard holds', async () => {
    const { fetch } = world()
    new Uint8Array(await (await fetch(url)).arrayBuffer()).fill(0)
    expect(await (await fetch(url)).text()).toBe('hello')
  })

  test('with headers that cannot be read keeps the others, and its body', async () => {
    const headers = { 'x-utf8': 'погода', 'bad name': 'x', 'x-line': 'a\nb', 'x-trace': 'a' }
    const { fetch } = world(paid({ headers }))
    const response = await fetch(url)
    expect(Object.fromEntries(response.headers)).toEqual({
      'x-trace': 'a',
      'x-should-retry': 'false',
    })
    expect(await response.text()).toBe('hello')
  })

  test.each([0, 101, 199, 300, 302, 409, 429, 500, 600, 999])(
    'with status %s after a payment is a problem, and is no throw',
    async (status) => {
      const { fetch } = world(paid({ status }))
      expect(await problemOf(await fetch(url))).toMatchObject({ code: 'paid', outcome: 'paid' })
    },
  )
})

describe('a header that asks for another request', () => {
  const asking = {
    'X-Should-Retry': 'true',
    'retry-after': '1',
    'Retry-After-Ms': '5',
    location: '/b',
  }

  test.each([
    [paid({ headers: asking }), []],
    [{ ...paid({ headers: asking }), status: 'in_doubt', paymentId: 'pay_1' } as PayResult, []],
    [free({ headers: asking, status: 302 }), ['location']],
  ])('is left out: $status', async (result, kept) => {
    const { headers } = await world(result).fetch(url)
    expect([...headers.keys()].toSorted()).toEqual([...kept, 'x-should-retry'])
    expect(headers.get('x-should-retry')).toBe('false')
  })
})

test('what was delivered in doubt is handed out', async () => {
  const doubt = { status: 'in_doubt', paymentId: 'pay_1', response: resource, remaining } as const
  const response = await world({ ...doubt, message: 'm' }).fetch(url)
  expect([response.status, await response.text()]).toEqual([200, 'hello'])
})

describe('everything else is a 402 that no SDK tries again', () => {
  const others: readonly [PayResult, string][] = [
    [
      { status: 'paid', receipt, remaining, code: 'content_not_kept', message: 'm' },
      'content_not_kept',
    ],
    [{ status: 'denied', code: 'session_limit_exceeded', message: 'm' }, 'session_limit_exceeded'],
    [
      { status: 'approval_required', code: 'approval_required', approval, remaining, message: 'm' },
      'approval_required',
    ],
    [
      { status: 'undelivered', receipt, response: resource, remaining, message: 'm' },
      'undelivered',
    ],
    [
      {
        status: 'in_doubt',
        paymentId: 'pay_1',
        response: { ...resource, status: 429 },
        remaining,
        message: 'm',
      },
      'in_doubt',
    ],
    [{ status: 'in_progress', message: 'm' }, 'in_progress'],
    [{ status: 'failed', code: 'credential_expired', message: 'm' }, 'credential_expired'],
    [{ status: 'failed', message: 'm' }, 'failed'],
  ]

  test.each(others)('%j', async (result, code) => {
    const response = await world(result).fetch(url)
    expect(response.headers.get('x-should-retry')).toBe('false')
    const answer = 'response' in result ? result.response : undefined
    expect(await problemOf(response)).toEqual({
      type: 'about:blank',
      title: 'Payment Required',
      status: 402,
      detail: 'm',
      code,
      outcome: result.status,
      ...(answer
        ? { response: { status: answer.status, contentType: 'text/plain', body: 'hello' } }
        : {}),
    })
  })

  test('also where the guard fails: what is not known is said to be not known', async () => {
    const { fetch } = world(async () => {
      throw new Error('the secret cause')
    })
    const problem = await problemOf(await fetch(url))
    expect(problem).toMatchObject({ code: 'guard_failed', outcome: 'in_doubt' })
    expect(problem.detail).toContain('Do not try again')
    expect(JSON.stringify(problem)).not.toContain('secret')
  })
})

describe('a request', () => {
  test('is handed to the session whole', async () => {
    const { fetch, calls } = world()
    const controller = new AbortController()
    await fetch(new URL(`${url}?b=c`), {
      method: 'post',
      headers: [['X-A', '1']],
      body: 'text',
      signal: controller.signal,
    })
    expect(calls[0]?.request).toEqual({
      url: `${url}?b=c`,
      method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-a': '1' },
      body: 'text',
      purpose: 'request of an application',
    })
    expect(parseRequest(calls[0]?.request)).toHaveProperty('request')
    expect(Object.keys(calls[0]?.call ?? {})).toEqual(['signal'])
    controller.abort()
    expect(calls[0]?.call.signal?.aborted).toBe(true)
  })

  test('without a body has none', async () => {
    const { fetch, calls } = world()
    await fetch(url)
    await fetch(url, { method: 'POST', body: '' })
    for (const { request } of calls) expect(request).not.toHaveProperty('body')
  })

  const bodies: readonly [string, () => RequestInit, string | RegExp][] = [
    ['bytes', () => ({ body: new TextEncoder().encode('héllo') }), 'héllo'],
    ['a blob', () => ({ body: new Blob(['héllo']) }), 'héllo'],
    ['parameters', () => ({ body: new URLSearchParams({ a: 'b c' }) }), 'a=b+c'],
    ['a form', () => ({ body: formOf('héllo') }), /name="a"\r\n\r\nhéllo\r\n/],
    ['a stream', () => streaming(['hé', 'llo']), 'héllo'],
    ['a byte order mark', () => ({ body: '\ufeffa' }), '\ufeffa'],
  ]

  test.each(bodies)('with %s as body is sent as the same text', async (_what, init, text) => {
    const { fetch, calls } = world()
    await fetch(url, { method: 'POST', ...init() })
    expect(calls[0]?.request.body).toEqual(
      typeof text === 'string' ? text : expect.stringMatching(text),
    )
  })

  test('may be a Request, with changes', async () => {
    const { fetch, calls } = world()
    await fetch(new Request(url, { method: 'POST', body: 'a' }))
    await fetch(new Request(url, { method: 'POST', body: 'a' }), { body: 'b' })
    await fetch(new Request(url, streaming(['c', 'd'], { method: 'POST' })))
    expect(calls.map(({ request }) => request.body)).toEqual(['a', 'b', 'cd'])
  })

  test('with a character split between two chunks is put together', async () => {
    const [first, second] = [new Uint8Array([0xc3]), new Uint8Array([0xa9])]
    const { fetch, calls } = world()
    await fetch(url, streaming([first, second], { method: 'POST' }))
    expect(calls[0]?.request.body).toBe('é')
  })

  test('of as many bytes as the guard takes is taken', async () => {
    const { fetch, calls } = world()
    await fetch(url, { method: 'POST', body: 'x'.repeat(MAX_REQUEST_BODY_BYTES) })
    expect(calls).toHaveLength(1)
  })

  const used = new Request(url, { method: 'POST', body: 'a' })
  const wrong: readonly [string, () => Promise<Parameters<typeof fetch>>][] = [
    ['a relative URL', async () => ['/a']],
    ['user info', async () => ['https://a:b@shop.example/']],
    ['a body for GET', async () => [url, { body: 'x' }]],
    ['a body that is no text', async () => [url, { method: 'POST', body: new Uint8Array([0xff]) }]],
    [
      'a body that ends within a character',
      async () => [url, { method: 'POST', body: new Uint8Array([0xc3]) }],
    ],
    [
      'a body over the bound',
      async () => [url, { method: 'POST', body: 'x'.repeat(MAX_REQUEST_BODY_BYTES + 1) }],
    ],
    ['an endless body', async () => [url, endless(new Uint8Array(65_536))]],
    ['an endless body that is no bytes', async () => [url, endless('x')]],
    ['a body that breaks', async () => [url, streaming(['a', new Error('broken')])]],
    [
      'a body that was read before',
      async () => {
        if (!used.bodyUsed) await used.text()
        return [used]
      },
    ],
  ]

  test.each(wrong)('with %s is refused before the guard is asked', async (_what, given) => {
    const { fetch, calls } = world()
    const problem = await problemOf(await fetch(...(await given())))
    expect(problem).toMatchObject({ code: 'request_not_allowed', outcome: 'denied' })
    expect(problem.detail).toContain('Nothing was paid')
    expect(calls).toEqual([])
  })

  test('that is endless is cancelled', async () => {
    let cancelled = false
    const { fetch } = world()
    await fetch(
      url,
      endless(new Uint8Array(65_536), () => {
        cancelled = true
      }),
    )
    expect(cancelled).toBe(true)
  })
})

function formOf(text: string): FormData {
  const form = new FormData()
  form.set('a', text)
  return form
}

/** Creates a request whose body comes in these chunks. An error among them breaks it. */
function streaming(chunks: readonly unknown[], init: RequestInit = {}): RequestInit {
  const encoder = new TextEncoder()
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        if (chunk instanceof Error) return controller.error(chunk)
        controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
      }
      controller.close()
    },
  })
  return { method: 'POST', ...init, body, duplex: 'half' } as RequestInit
}

function endless(chunk: unknown, onCancel: () => void = () => undefined): RequestInit {
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(chunk),
    cancel: onCancel,
  })
  return { method: 'POST', body, duplex: 'half' } as RequestInit
}
