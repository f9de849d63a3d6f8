import type { OpenPayment } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import type { ChainReader, TokenEvent, TokenReceipt } from './chain-reader.ts'
import { reconcile } from './reconcile.ts'

const payer = `0x${'a'.repeat(40)}`
const payee = `0x${'b'.repeat(40)}`
const nonce = `0x${'01'.repeat(32)}` as const
const otherNonce = `0x${'02'.repeat(32)}`
const hash = `0x${'cd'.repeat(32)}`

/** The time of block 0; a block comes every two seconds. */
const genesis = 1_000_000

const payment = {
  terms: { payee, atomic: 10_000n },
  asset: { address: `0x${'c'.repeat(40)}` },
  payer: payer.toUpperCase().replace('X', 'x'),
  nonce,
  reservedAt: genesis + 20_000,
  validBefore: genesis + 20_060,
} as OpenPayment

interface Chain extends ChainReader {
  readonly ranges: { from: bigint; to: bigint }[]
  readonly blocks: bigint[]
}

/** A chain whose final block is `final`, and on which the nonce was used in one transaction or none. */
function chainOf(
  final: bigint,
  use?: Partial<TokenReceipt>,
  { isUsed = use !== undefined, isFound = true } = {},
): Chain {
  const ranges: { from: bigint; to: bigint }[] = []
  const blocks: bigint[] = []
  const receipt = { transaction: hash, block: 10_005n, events: [], ...use }
  const blockOf = (number: bigint) => ({ number, timestamp: BigInt(genesis) + 2n * number })
  return {
    ranges,
    blocks,
    finalBlock: async () => blockOf(final),
    async block(number) {
      blocks.push(number)
      return blockOf(number)
    },
    async isNonceUsed(_token, _authorizer, _nonce, block) {
      expect(block).toBe(final)
      return isUsed
    },
    receipt: async (_token, transaction) => (use && transaction === hash ? receipt : undefined),
    async findNonce(_token, _authorizer, _nonce, range) {
      ranges.push(range)
      const isHere = use && isFound && range.from <= receipt.block && receipt.block <= range.to
      return isHere ? [hash] : []
    },
    balance: async () => 0n,
  }
}

const used: TokenEvent = { kind: 'used', authorizer: payer, nonce }
const usedOther: TokenEvent = { kind: 'used', authorizer: payer, nonce: otherNonce }
const canceled: TokenEvent = { kind: 'canceled', authorizer: payer, nonce }
const transfer: TokenEvent = { kind: 'transfer', from: payer, to: payee, value: 10_000n }

const settled = {
  outcome: 'settled',
  evidence: {
    transaction: hash,
    block: '10040',
    reason: 'The nonce was used by a transfer as signed.',
  },
}

describe('an unused nonce', () => {
  test('is open until a final block of which the time is not before the end of validity', async () => {
    expect(await reconcile(payment, chainOf(10_029n))).toEqual({
      outcome: 'open',
      reason: 'The nonce is unused, and the authorization still valid.',
    })
    expect(await reconcile(payment, chainOf(10_030n))).toEqual({
      outcome: 'released',
      evidence: {
        block: '10030',
        reason: 'The nonce is unused at a final block from which on it cannot be used.',
      },
    })
  })
})

describe('a used nonce', () => {
  test('is settled by the transfer as it was signed', async () => {
    const chain = chainOf(10_040n, { events: [used, transfer] })
    expect(await reconcile(payment, chain)).toEqual(settled)
  })

  test('is released where it was cancelled, even after its validity', async () => {
    const chain = chainOf(10_040n, { events: [canceled], block: 10_035n })
    expect(await reconcile(payment, chain)).toEqual({
      outcome: 'released',
      evidence: {
        transaction: hash,
        block: '10040',
        reason: 'The authorization was cancelled.',
      },
    })
  })

  test.each<[string, TokenEvent[]]>([
    ['without a transfer', [used]],
    ['with another amount', [used, { ...transfer, value: 9_999n }]],
    ['with another payee', [used, { ...transfer, to: payer }]],
    ['with another payer', [used, { ...transfer, from: payee }]],
    ['with the transfer of another nonce', [used, usedOther, transfer]],
    ['with a transfer before it', [usedOther, transfer, used]],
  ])('%s stays open, whatever the time', async (_what, events) => {
    const reason = `${hash} used the nonce, but not for this transfer.`
    const chain = chainOf(900_000n, { events })
    expect(await reconcile(payment, chain)).toEqual({ outcome: 'open', reason })
    const claimed = { ...payment, claimedTransaction: hash }
    expect(await reconcile(claimed, chain)).toEqual({ outcome: 'open', reason })
  })

  test('is told apart from others in the same transaction', async () => {
    const events = [usedOther, { ...transfer, value: 5n }, used, transfer, usedOther]
    expect(await reconcile(payment, chainOf(10_040n, { events }))).toEqual(settled)
  })

  test('of which no transaction is found stays open, whatever the time', async () => {
    const chain = chainOf(900_000n, undefined, { isUsed: true })
    expect(await reconcile(payment, chain)).toEqual({
      outcome: 'open',
      reason: 'The nonce is used, but no transaction was found that used it.',
    })
    expect(chain.ranges).toHaveLength(20)
    expect(chain.ranges[0]).toEqual({ from: 9_850n, to: 10_849n })
    expect(chain.ranges[19]).toEqual({ from: 28_850n, to: 29_849n })
  })
})

describe('the search', () => {
  test('begins before the reservation by the skew of clocks, and ends at the final block', async () => {
    const chain = chainOf(10_040n, { events: [used, transfer] })
    await reconcile(payment, chain)
    expect(chain.ranges).toEqual([{ from: 9_850n, to: 10_040n }])
    expect(chain.blocks.every((block) => block >= 9_040n)).toBe(true)
  })

  test('goes back as far as it has to', async () => {
    const chain = chainOf(5_000_000n, { events: [used, transfer] })
    expect(await reconcile(payment, chain)).toMatchObject({ outcome: 'settled' })
    expect(chain.ranges).toEqual([{ from: 9_850n, to: 10_849n }])
    expect(chain.blocks.length).toBeLessThan(50)
  })

  test('begins at the first block of a young chain', async () => {
    const young = { ...payment, reservedAt: genesis + 10, validBefore: genesis + 70 }
    const chain = chainOf(20n, { events: [used, transfer], block: 7n })
    expect(await reconcile(young, chain)).toMatchObject({ outcome: 'settled' })
    expect(chain.ranges).toEqual([{ from: 0n, to: 20n }])
  })

  test('is spared by a claimed transaction that holds', async () => {
    const claimed = { ...payment, claimedTransaction: hash }
    const chain = chainOf(10_040n, { events: [used, transfer] }, { isFound: false })
    expect(await reconcile(claimed, chain)).toEqual(settled)
    expect(chain.ranges).toEqual([])
  })

  test.each([
    ['is of another nonce', `0x${'ef'.repeat(32)}`, [used, transfer]],
    ['is no hash', '../../etc/passwd', [used, transfer]],
  ])('is not misled by a claimed transaction that %s', async (_what, claim, events) => {
    const claimed = { ...payment, claimedTransaction: claim }
    const chain = chainOf(10_040n, { events })
    expect(await reconcile(claimed, chain)).toEqual(settled)
    expect(chain.ranges).toHaveLength(1)
  })

  test('is not misled by the same nonce of another payer', async () => {
    const claimed = { ...payment, claimedTransaction: hash }
    const events = [{ ...used, authorizer: payee }, transfer]
    const chain = chainOf(10_040n, { events }, { isFound: false })
    expect(await reconcile(claimed, chain)).toEqual({
      outcome: 'open',
      reason: 'The nonce is used, but no transaction was found that used it.',
    })
  })

  test('does not believe a claimed transaction that is not final yet', async () => {
    const claimed = { ...payment, claimedTransaction: hash }
    const use = { events: [used, transfer], block: 10_041n }
    expect(await reconcile(claimed, chainOf(10_040n, use))).toMatchObject({ outcome: 'open' })
    expect(await reconcile(claimed, chainOf(10_041n, use))).toMatchObject({ outcome: 'settled' })
  })
})
