import { paymentTools as aiSdkTools } from '@bursar/ai-sdk'
import { type BursarOptions, createBursar, openWallet, payingFetch } from '@bursar/core'
import { toolCalls } from '@bursar/core/session'
import { fakeAsset, fakeChain, fakeRail, fakeWallet } from '@bursar/core/testing'
import { paymentTools as langchainTools } from '@bursar/langchain'
import { paymentTools as mastraTools, paymentStep } from '@bursar/mastra'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { payingMcpFetch, payingTransport } from '../packages/adapters/mcp/src/index.ts'
import { guardWorld, shop } from './guard-world.ts'

const wrongSessions: readonly (readonly [string, unknown, string])[] = [
  ['a text', 'bursar_ses_1_secret', 'openSession(token)'],
  ['a promise', Promise.resolve(undefined), 'await'],
  ['the result of createSession', { id: 'ses_1', token: 't', expiresAt: '' }, 'openSession(token)'],
  ['nothing', undefined, 'openWallet'],
  ['nothing', null, 'openWallet'],
  ['a number', 7, 'no PaymentSession'],
  ['no PaymentSession', { id: 'ses_1' }, 'copy'],
]

const takers: readonly (readonly [string, (session: never) => unknown])[] = [
  ['paymentTools of the AI SDK', (session) => aiSdkTools({ session, conversation: 'c' })],
  ['paymentTools of LangChain', (session) => langchainTools({ session })],
  ['paymentTools of Mastra', (session) => mastraTools({ session })],
  ['paymentStep', (session) => paymentStep({ session })],
  ['payingFetch', (session) => payingFetch(session)],
  ['payingMcpFetch', (session) => payingMcpFetch({ session, server: 'tools.example' })],
  [
    'payingTransport',
    (session) => payingTransport({} as never, { session, server: 'tools.example' }),
  ],
]

describe.each(takers)('%s', (_name, take) => {
  test.each(wrongSessions)(
    'refuses %s where it is given, and says what it wants',
    (what, given, way) => {
      const refused = expect.objectContaining({
        code: 'invalid_input',
        message: expect.stringMatching(
          new RegExp(`: session: is ${what}.*${way.replace(/[()]/g, '.')}`),
        ),
      })
      expect(() => take(given as never)).toThrow(refused)
    },
  )
})

function parts(): BursarOptions {
  const store = sqliteStore({ path: ':memory:' })
  onTestFinished(() => store.close())
  return { store, rails: [fakeRail({ chain: fakeChain() })], assets: [fakeAsset] }
}

test.each(['a text', undefined, {}, { sign: () => undefined }])(
  'a wallet that is %j is refused where it is given',
  async (wallet) => {
    const instruments = { 'alice-wallet': { endUser: 'alice', wallet: wallet as never } }
    expect(() => createBursar({ ...parts(), instruments })).toThrow(
      /alice-wallet: wallet: is not a wallet\. Make one with/,
    )
    const { store, rails, assets } = parts()
    const opening = openWallet({
      ...{ store, assets, rail: rails[0] ?? fakeRail(), wallet: wallet as never },
      ...{ name: 'a', agent: 'b', merchants: [{ host: 'shop.example' }] },
      limits: { currency: 'USD', total: '1.00' },
    })
    await expect(opening).rejects.toThrow(/wallet: is not a wallet/)
  },
)

test('a host for development that is none is named by its own name', () => {
  const development = { hosts: ['shop.localhost', 'bad host!'] }
  expect(() => createBursar({ ...parts(), development })).toThrow(
    "createBursar: development.hosts.1: must be a host such as 'shop.localhost:8402'.",
  )
})

test('a forgotten asset says that none is known there', async () => {
  const bursar = createBursar({
    ...parts(),
    assets: [],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: fakeWallet() } },
  })
  const granting = bursar.endUser('alice').grantDelegation({
    ...{ agent: 'a', instrument: 'alice-wallet', expiresIn: '1d', consent: { how: 'test' } },
    limits: { currency: 'USD', total: '1.00' },
  })
  await expect(granting).rejects.toMatchObject({
    code: 'asset_unknown',
    message: `grantDelegation: limits.currency: no USD asset is known on ${fakeAsset.network}. Name it in the option assets.`,
  })
})

test('a conversation that gives undefined says so', async () => {
  const world = await guardWorld()
  const conversation = (() => undefined) as never
  const calls = toolCalls({ session: world.session, conversation })
  const warnings: string[] = []
  const hear = (warning: Error) => warnings.push(warning.message)
  process.on('warning', hear)
  onTestFinished(() => void process.off('warning', hear))
  await calls.pay({ input: { url: shop('a'), purpose: '' }, context: undefined, id: 'c' })
  await new Promise(setImmediate)
  expect(warnings.join()).toContain('paymentTools: conversation: gave undefined.')
})

test('payingFetch over a closed guard tells the operator', async () => {
  const world = await guardWorld()
  await world.bursar.close()
  const warnings: string[] = []
  const hear = (warning: Error) => warnings.push(warning.message)
  process.on('warning', hear)
  onTestFinished(() => void process.off('warning', hear))
  const response = await payingFetch(world.session)(shop('a'))
  expect([response.status, (await response.json()).code]).toEqual([402, 'guard_failed'])
  await new Promise(setImmediate)
  expect(warnings.join()).toMatch(/payingFetch: a request could not be paid for.*closed/)
})
