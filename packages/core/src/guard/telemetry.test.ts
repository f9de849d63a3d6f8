import { readFileSync } from 'node:fs'
import { context, metrics, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Bursar, createBursar } from '../bursar.ts'
import { sessionToken } from '../ledger/bearer-token.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { Session } from '../ledger/session.ts'
import { noUsage } from '../money/limits.ts'
import type { Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { newId } from '../primitives/id.ts'
import { newSecret } from '../primitives/secret.ts'
import type { PayResult } from '../session/pay-result.ts'
import type { PaymentSession } from '../session/payment-session.ts'
import { fakeAsset, fakeChain } from '../testing/fake-chain.ts'
import { type FakeMoment, fakeMerchant } from '../testing/fake-merchant.ts'
import { fakeRail } from '../testing/fake-rail.ts'
import { fakeWallet } from '../testing/fake-wallet.ts'
import { recordTelemetryCall, runInTelemetrySpan } from './telemetry.ts'

const NOW = Date.UTC(2030, 0, 1)
const HOST = 'shop.example'
const exporter = new InMemorySpanExporter()

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA })

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
})

beforeEach(async () => {
  exporter.reset()
  await reader.collect()
})

afterAll(() => {
  context.disable()
  trace.disable()
  metrics.disable()
})

/** Creates a store in memory with room for one session and its latest payment. */
function oneSession(session: Session, delegation: Delegation): Store {
  let state: LedgerState = { ancestors: [], session, delegation }
  const commit = async <Result>(
    _scope: object,
    change: (state: LedgerState, now: number) => Change<Result>,
  ): Promise<Result> => {
    const { result, sessions, delegations, payments, merchants } = change(state, NOW)
    state = {
      ...state,
      ...(sessions?.[0] ? { session: sessions[0] } : {}),
      ...(delegations?.[0] ? { delegation: delegations[0] } : {}),
      ...(payments?.[0] ? { payment: payments[0] } : {}),
      ...(merchants?.[0] ? { merchant: merchants[0] } : {}),
    }
    return result
  }
  const parts: Partial<Record<keyof Store, unknown>> = {
    commit,
    read: async (scope: { session?: string }) =>
      scope.session === undefined || scope.session === session.id ? state : { ancestors: [] },
    now: () => NOW,
    payments: async () => ({ rows: state.payment ? [state.payment] : [] }),
    content: async () => undefined,
    close: async () => undefined,
  }
  return parts as unknown as Store
}

async function world(onMoment: (moment: FakeMoment) => void = () => undefined): Promise<{
  readonly bursar: Bursar
  readonly session: PaymentSession
  readonly wallet: ReturnType<typeof fakeWallet>
  readonly token: string
}> {
  const id = newId('ses')
  const { token, tokenHash } = sessionToken(id, newSecret())
  const shared = { usage: noUsage, createdAt: NOW, expiresAt: NOW + 60_000 }
  const limits = { currency: 'USD', totalMicro: 30_000n, windows: [] }
  const session: Session = {
    ...shared,
    id,
    delegation: 'del_1',
    tokenHash,
    limits,
    repeatAfterMs: 0,
  }
  const delegation: Delegation = {
    ...shared,
    id: 'del_1',
    endUser: 'alice',
    agent: 'researcher',
    instrument: 'alice-wallet',
    limits,
    merchants: [{ host: HOST }],
    consent: { how: 'test' },
  }
  const chain = fakeChain({ clock: () => NOW })
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000n)
  const bursar = createBursar({
    store: oneSession(session, delegation),
    rails: [fakeRail({ chain })],
    http: fakeMerchant({ chain, onMoment }),
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  })
  return { bursar, session: bursar.openSession(token), wallet, token }
}

const request = { url: `https://${HOST}/secret-path?key=secret-query`, purpose: 'secret purpose' }

function named(name: string): ReadableSpan {
  const found = exporter.getFinishedSpans().filter((one) => one.name === name)
  expect(found).toHaveLength(1)
  return found[0] as ReadableSpan
}

function parentOf(child: ReadableSpan): string | undefined {
  const id = child.parentSpanContext?.spanId
  return exporter.getFinishedSpans().find((one) => one.spanContext().spanId === id)?.name
}

async function points(name: string): Promise<{ attributes: object; value: unknown }[]> {
  const { resourceMetrics } = await reader.collect()
  return resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .filter((metric) => metric.descriptor.name === name)
    .flatMap((metric) => metric.dataPoints.map(({ attributes, value }) => ({ attributes, value })))
}

describe('a payment', () => {
  test('has a span with its steps in it', async () => {
    const { session } = await world()
    const result = await session.pay(request)
    expect(result.status).toBe('paid')
    const pay = named('bursar.pay')
    expect(pay.attributes).toEqual({
      'bursar.session.id': session.id,
      'bursar.outcome': 'paid',
      'bursar.payment.id': 'receipt' in result ? result.receipt.paymentId : '',
      'bursar.amount': '0.01',
      'bursar.currency': 'USD',
      'bursar.merchant.host': HOST,
    })
    for (const step of ['open', 'ask', 'balance', 'reserve', 'sign', 'send']) {
      expect(parentOf(named(`bursar.${step}`))).toBe('bursar.pay')
    }
    expect(named('bursar.sign').attributes).toEqual({ 'bursar.rail': 'fake' })
    expect(named('bursar.ask').attributes).toEqual({ 'server.address': HOST })
    expect(named('bursar.send').attributes).toEqual({ 'server.address': HOST })
  })

  test('is counted once, with its amount and its duration', async () => {
    const { session } = await world()
    await session.pay(request)
    const outcome = { 'bursar.outcome': 'paid' }
    expect(await points('bursar.pay.calls')).toEqual([{ attributes: outcome, value: 1 }])
    await session.pay(request)
    const { value } = (await points('bursar.pay.amount'))[0] ?? {}
    expect(value).toMatchObject({ count: 1, sum: 0.01 })
    await session.pay(request)
    const [duration] = await points('bursar.pay.duration')
    expect(duration).toMatchObject({ attributes: outcome, value: { count: 1 } })
  })

  test('has amounts in buckets that tell cents apart', async () => {
    const { session } = await world()
    await session.pay(request)
    const [{ value } = { value: undefined }] = await points('bursar.pay.amount')
    const { buckets } = value as { buckets: { boundaries: number[]; counts: number[] } }
    const bucket = buckets.counts.indexOf(1)
    expect(buckets.boundaries.slice(bucket - 1, bucket + 1)).toEqual([0.005, 0.01])
  })

  test('that is in doubt names its payment', async () => {
    const { session, wallet } = await world()
    wallet.answerNext('throw')
    const result = await session.pay(request)
    const paymentId = 'paymentId' in result ? result.paymentId : 'none'
    expect(named('bursar.pay').attributes).toMatchObject({
      'bursar.outcome': 'in_doubt',
      'bursar.payment.id': paymentId,
    })
    expect(named('bursar.sign')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'Error' },
    })
    expect(named('bursar.pay').status.code).toBe(SpanStatusCode.UNSET)
  })

  test('that is refused has its code, and is no error', async () => {
    const { session } = await world()
    const outcome = { 'bursar.outcome': 'denied', 'bursar.code': 'payment_limit_exceeded' }
    expect(await session.pay({ ...request, maxAmount: '0.001' })).toMatchObject({
      status: 'denied',
    })
    expect(named('bursar.pay')).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: outcome,
    })
    expect(await points('bursar.pay.calls')).toEqual([{ attributes: outcome, value: 1 }])
    expect(await points('bursar.pay.amount')).toEqual([])
  })

  test('whose resource does not answer has the code of the error', async () => {
    const { session } = await world(() => {
      throw new BursarError('request_failed', 'secret message')
    })
    expect(await session.pay(request)).toMatchObject({ status: 'failed' })
    expect(named('bursar.ask')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'request_failed' },
      events: [],
    })
  })

  test('with an unknown token is counted, and nothing of the token is told', async () => {
    const { bursar, session } = await world()
    const strange = sessionToken(session.id, newSecret()).token
    expect(await bursar.openSession(strange).pay(request)).toMatchObject({
      code: 'session_unknown',
    })
    expect(await points('bursar.session.unknown_tokens')).toEqual([{ attributes: {}, value: 1 }])
    expect(emitted()).not.toContain(strange.slice(-43))
  })

  test('tells no secret, and nothing that model or merchant wrote', async () => {
    const { session, token, wallet } = await world()
    await session.pay(request)
    wallet.answerNext('throw')
    await session.pay(request)
    expect(emitted()).not.toMatch(/secret|0x|alice|eip155/)
    expect(emitted()).not.toContain(token.slice(-43))
  })
})

/** Returns the names, attributes and events of all spans as text. */
function emitted(): string {
  const spans = exporter.getFinishedSpans()
  return JSON.stringify(
    spans.map(({ name, attributes, status, events }) => [name, attributes, status, events]),
  )
}

describe('a step', () => {
  test('answers what it ran, and is nested in what is active', async () => {
    const answer = await runInTelemetrySpan('outer', { a: 1 }, () =>
      runInTelemetrySpan('inner', {}, async () => 'answer'),
    )
    expect(answer).toBe('answer')
    expect(parentOf(named('inner'))).toBe('outer')
    expect(named('outer').attributes).toEqual({ a: 1 })
  })

  const thrown: readonly [string, unknown, string][] = [
    ['an error with a code', new BursarError('timed_out', 'secret'), 'timed_out'],
    ['an error', new TypeError('secret'), 'TypeError'],
    ['an error with a number as code', Object.assign(new Error('secret'), { code: 7 }), 'Error'],
    ['a text', 'secret', 'string'],
    ['nothing', undefined, 'undefined'],
  ]

  test.each(thrown)(
    'that throws %s passes it on, and says its class',
    async (_what, cause, type) => {
      const failing = runInTelemetrySpan('step', {}, async () => {
        throw cause
      })
      await expect(failing).rejects.toBe(cause)
      expect(named('step').attributes).toEqual({ 'error.type': type })
      expect(emitted()).not.toContain('secret')
    },
  )
})

test('a call is recorded with what its result says, and without what it lacks', async () => {
  const results: readonly [PayResult, object][] = [
    [{ status: 'in_progress', message: 'm' }, { 'bursar.outcome': 'in_progress' }],
    [
      { status: 'failed', code: 'wallet_unavailable', message: 'm' },
      { 'bursar.outcome': 'failed', 'bursar.code': 'wallet_unavailable' },
    ],
    [
      { status: 'in_progress', paymentId: 'pay_1', message: 'm' },
      { 'bursar.outcome': 'in_progress', 'bursar.payment.id': 'pay_1' },
    ],
  ]
  for (const [result, attributes] of results) {
    exporter.reset()
    await runInTelemetrySpan('call', {}, async (active) => recordTelemetryCall(active, result, 1))
    expect(named('call').attributes).toEqual(attributes)
  }
})

describe('docs/reference/telemetry.md', () => {
  const page = readFileSync(
    new URL('../../../../docs/reference/telemetry.md', import.meta.url),
    'utf8',
  )
  /** The rows of a section's table, each cell without its ticks. */
  const rows = (section: string): string[][] =>
    (page.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.replaceAll('`', '').trim()),
      )

  /** Returns one of each signal, to compare the page with. */
  async function everything(): Promise<void> {
    const { bursar, session, wallet } = await world()
    const paid = await session.pay(request)
    if (paid.status === 'paid') await session.conclude(paid.receipt.paymentId, undefined)
    await session.prove({ server: HOST, tool: 'search', message: {} })
    wallet.answerNext('throw')
    await session.pay(request)
    await session.pay({ ...request, maxAmount: '0.001' })
    await session.quote(request)
    await bursar.openSession(sessionToken(newId('ses'), newSecret()).token).pay(request)
    await bursar.reconcile()
  }

  test('names every span with its parents', async () => {
    await everything()
    const spans = exporter.getFinishedSpans()
    expect(
      rows('Spans')
        .map(([name]) => name)
        .toSorted(),
    ).toEqual([...new Set(spans.map(({ name }) => name))].toSorted())
    for (const one of spans) {
      const [, parents] = rows('Spans').find(([name]) => name === one.name) ?? []
      expect(`${parents}, the application's span, none`).toContain(parentOf(one) ?? 'none')
    }
  })

  test('names every attribute with its spans and its type', async () => {
    await everything()
    const told = exporter
      .getFinishedSpans()
      .flatMap(({ name, attributes }) =>
        Object.entries(attributes).map(([attribute, value]) => ({ name, attribute, value })),
      )
    expect(
      rows('Attributes')
        .map(([name]) => name)
        .toSorted(),
    ).toEqual([...new Set(told.map(({ attribute }) => attribute))].toSorted())
    for (const { name, attribute, value } of told) {
      const [, on, type] = rows('Attributes').find(([listed]) => listed === attribute) ?? []
      expect(`${on}`).toMatch(new RegExp(`\\b${name}\\b|every span`))
      expect(typeof value === 'number' ? 'int' : typeof value).toBe(type)
    }
  })

  test('names every metric with its instrument, unit and attributes', async () => {
    await everything()
    const { resourceMetrics } = await reader.collect()
    const emittedMetrics = resourceMetrics.scopeMetrics
      .filter(({ scope }) => scope.name === '@bursar/core')
      .flatMap((scope) => scope.metrics)
      .map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.some(({ value }) => typeof value === 'object') ? 'histogram' : 'counter',
        descriptor.unit,
        [...new Set(dataPoints.flatMap(({ attributes }) => Object.keys(attributes)))].join(', ') ||
          'none',
      ])
    const listed = rows('Metrics').map(([name, instrument, unit, attributes]) => [
      name,
      instrument,
      unit === 'ms' ? unit : '',
      attributes,
    ])
    expect(listed.toSorted()).toEqual(emittedMetrics.toSorted())
  })
})
