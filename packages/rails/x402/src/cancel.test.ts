import type { OpenPayment, SignRequest } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { cancel } from './cancel.ts'
import type { ChainReader } from './chain-reader.ts'
import type { Relayer, SentCancellation, SignedCancellation } from './relayer.ts'

const payer = `0x${'a'.repeat(40)}`
const validBefore = 2_000
const payment = {
  asset: { network: 'eip155:1', address: `0x${'c'.repeat(40)}`, name: 'USD Coin', version: '2' },
  payer,
  nonce: `0x${'1'.repeat(64)}`,
  validBefore,
} as OpenPayment
const transaction = `0x${'2'.repeat(64)}` as const
const signature = `0x${'3'.repeat(130)}` as const

interface WorldOptions {
  readonly time?: number
  /** The state of the nonce at each look. */
  readonly used?: readonly boolean[]
  readonly state?: SentCancellation['state']
  readonly failure?: Error
  readonly signature?: `0x${string}`
}

async function cancelled(options: WorldOptions) {
  const { time = validBefore - 1, used = [false], state = 'succeeded' } = options
  const signed: SignRequest[] = []
  const sent: SignedCancellation[] = []
  let asked = 0
  const chain: Partial<ChainReader> = {
    latestBlock: async () => ({ number: 7n, timestamp: BigInt(time) }),
    isNonceUsed: async (_token, _authorizer, _nonce, block) => {
      expect(block).toBe(7n)
      asked += 1
      return used[asked - 1] ?? false
    },
  }
  const relayer: Relayer = {
    assertNotPayer: (address) => expect(address).toBe(payer),
    send: async (cancellation) => {
      sent.push(cancellation)
      if (options.failure) throw options.failure
      return { transaction, state }
    },
  }
  const answer = await cancel(payment, chain as ChainReader, relayer, async (request) => {
    signed.push(request)
    return options.signature ?? signature
  }).catch((error: unknown) => error)
  return { answer, signed: signed.length, sent }
}

describe('a cancellation', () => {
  test.each(['succeeded', 'pending'] as const)('that %s was asked for', async (state) => {
    const { answer, signed, sent } = await cancelled({ state })
    expect(answer).toEqual({ outcome: 'asked', transaction })
    const { nonce, asset } = payment
    expect(sent).toEqual([{ token: asset.address, authorizer: payer, nonce, signature }])
    expect(signed).toBe(1)
  })

  test('of a nonce that is used is not signed', async () => {
    const { answer, signed, sent } = await cancelled({ used: [true] })
    expect(answer).toMatchObject({ outcome: 'refused' })
    expect([signed, sent]).toEqual([0, []])
  })

  test('of an expired authorization is not signed', async () => {
    const { answer, signed } = await cancelled({ time: validBefore })
    expect(answer).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('expired') })
    expect(signed).toBe(0)
  })

  test('that a settlement came before in the block is refused', async () => {
    const { answer } = await cancelled({ state: 'reverted' })
    expect(answer).toMatchObject({ outcome: 'refused' })
  })

  test('that a node does not take is refused only if the nonce is used by then', async () => {
    const failure = new Error('execution reverted')
    const late = await cancelled({ failure, used: [false, true] })
    expect(late.answer).toMatchObject({ outcome: 'refused' })
    const { answer } = await cancelled({ failure, used: [false, false] })
    expect(answer).toBe(failure)
  })

  test('by a contract wallet cannot be sent', async () => {
    const { answer, sent } = await cancelled({ signature: `0x${'3'.repeat(200)}` })
    expect(answer).toMatchObject({ outcome: 'unavailable' })
    expect(sent).toEqual([])
  })
})
