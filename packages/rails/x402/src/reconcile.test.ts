import type { OpenPayment } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import type { ChainReader, TokenEvent, TokenReceipt } from './chain-reader.ts'
import { reconcile } from './reconcile.ts'

const payer = `0x${'a'.repeat(40)}`
const payee = `0x${'b'.repeat(40)}`
const nonce = `0x${'01'.repeat(32)}` as const
const otherNonce = `0x${'02'.repeat(32)}`
const hash = `0x${'cd'.repeat(32)}`

/** A transaction that the node fails to look up. */
const unserved = `0x${'99'.repeat(32)}`

/** The time of block 0. A block comes every two seconds. */
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
  /** The blocks that the nonce's state was read at. */
  readonly states: bigint[]
}

interface Node {
  /** The node's logs have the use of the nonce. */
  readonly hasLogs?: boolean
  /** The oldest block whose state the node has. Older blocks fail. */
  readonly stateSince?: bigint
}

/**
 * A chain whose final block is `final`, and on which the nonce was used in one transaction or none.
 */
function chainOf(final: bigint, use?: Partial<TokenReceipt>, node: Node = {}): Chain {
  const { hasLogs = true, stateSince = 0n } = node
  const ranges: { from: bigint; to: bigint }[] = []
  const blocks: bigint[] = []
  const states: bigint[] = []
  const receipt = { transaction: hash, block: 10_005n, events: [], ...use }
  const blockOf = (number: bigint) => ({ number, timestamp: BigInt(genesis) + 2n * number })
  return {
    ranges,
    blocks,
    states,
    finalBlock: async () => blockOf(final),
    latestBlock: async () => blockOf(final),
    async block(number) {
      blocks.push(number)
      return blockOf(number)
    },
    async isNonceUsed(_token, _authorizer, _nonce, block) {
      states.push(block)
      if (block < stateSince) throw new Error('missing trie node')
      return use !== undefined && receipt.block <= block
    },
    async receipt(_token, transaction) {
      if (transaction === unserved) throw new Error('transaction indexing is in progress')
      return use && transaction === hash ? receipt : undefined
    },
    async findNonce(_token, _authorizer, _nonce, range) {
      ranges.push(range)
      const isHere = use && hasLogs && range.from <= receipt.block && receipt.block <= range.to
      return isHere ? [hash] : []
    },
    balance: async () => 0n,
  }
}

/** Makes a node with the state of its final blocks only. */
const pruned: Node = { stateSince: 900_000n }

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

const notFound = {
  outcome: 'open',
  reason: 'The nonce is used, but no transaction was found that used it.',
}

describe('an unused nonce', () => {
  test('is open until a final block of which the time is not before the end of validity', async () => {
    expect(await reconcile(payment, chainOf(10_029n))).toEqual({
      outcome: 'open',
      reason: 'The nonce is unused, and the authorization is still valid.',
    })
    expect(await reconcile(payment, chainOf(10_030n))).toEqual({
      outcome: 'released',
      evidence: {
        block: '10030',
        reason: 'The nonce is unused at a final block, and the authorization has expired.',
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

  test('of which no transaction is found within its validity stays open', async () => {
    const chain = chainOf(900_000n, { events: [used, transfer] }, { hasLogs: false })
    expect(await reconcile(payment, chain)).toEqual(notFound)
  })

  test('that the end of its validity found unused is released, found or not', async () => {
    const released = {
      outcome: 'released',
      evidence: {
        block: '10030',
        reason: 'The nonce is unused at a final block, and the authorization has expired.',
      },
    }
    const late = { events: [canceled], block: 10_031n }
    const chain = chainOf(900_000n, late, { hasLogs: false })
    expect(await reconcile(payment, chain)).toEqual(released)
    const early = { events: [canceled], block: 10_030n }
    expect(await reconcile(payment, chainOf(900_000n, early, { hasLogs: false }))).toEqual(notFound)
    // The cancellation is further from the end of validity than the logs are searched, and the node
    // has no old state.
    const far = chainOf(900_000n, { events: [canceled], block: 500_000n }, pruned)
    expect(await reconcile(payment, far)).toEqual(notFound)
    // Old state begins at the end of validity, and the search for the use goes back beyond it.
    const scarce = { stateSince: 10_030n }
    const kept = chainOf(900_000n, { events: [canceled], block: 380_000n }, scarce)
    expect(await reconcile(payment, kept)).toEqual(released)
  })

  test('is not released by a node that contradicts itself within the validity', async () => {
    const chain = chainOf(10_020n, { events: [used, transfer] }, { hasLogs: false })
    const answers = [true]
    const isNonceUsed = async (): Promise<boolean> => answers.pop() ?? false
    expect(await reconcile(payment, { ...chain, isNonceUsed })).toEqual(notFound)
  })
})

describe('the search', () => {
  test('asks for the one block that used the nonce, and for none after the final one', async () => {
    const chain = chainOf(10_040n, { events: [used, transfer] })
    await reconcile(payment, chain)
    expect(chain.ranges).toEqual([{ from: 10_005n, to: 10_005n }])
    expect(chain.states.every((block) => 9_040n <= block && block <= 10_040n)).toBe(true)
  })

  test.each([
    ['long before its reservation, by a clock that was ahead', 3n, [used, transfer], 'settled'],
    ['in its validity, long ago', 10_005n, [used, transfer], 'settled'],
    ['by a cancellation long after its validity', 4_000_000n, [canceled], 'released'],
  ])('finds a use %s', async (_when, block, events, outcome) => {
    const chain = chainOf(5_000_000n, { events, block })
    expect(await reconcile(payment, chain)).toMatchObject({
      outcome,
      evidence: { transaction: hash },
    })
    expect(chain.ranges).toEqual([{ from: block, to: block }])
    expect(chain.states.length).toBeLessThan(50)
  })

  test.each([
    ['in the block after its validity', 10_030n, 1],
    ['in the validity', 10_005n, 1],
    ['hours before it, by a clock that was ahead', 4_000n, 7],
    ['after it, by a cancellation', 11_000n, 12],
  ])('of logs, where old state is missing, finds a use %s', async (_when, block, questions) => {
    const chain = chainOf(900_000n, { events: [canceled], block }, pruned)
    expect(await reconcile(payment, chain)).toMatchObject({ evidence: { transaction: hash } })
    expect(chain.ranges).toHaveLength(questions)
  })

  test('of logs goes back from the end of validity, then on from it, and is bounded', async () => {
    const chain = chainOf(900_000n, { events: [used], block: 100_000n }, pruned)
    expect(await reconcile(payment, chain)).toEqual(notFound)
    const { ranges } = chain
    expect(ranges).toHaveLength(31)
    expect(ranges[0]).toEqual({ from: 9_031n, to: 10_030n })
    expect(ranges[10]).toEqual({ from: 0n, to: 30n })
    expect(ranges[11]).toEqual({ from: 10_031n, to: 11_030n })
    expect(ranges[30]).toEqual({ from: 29_031n, to: 30_030n })
  })

  test('of logs goes back a bounded number of blocks', async () => {
    const later = { ...payment, validBefore: genesis + 200_000 }
    const chain = chainOf(900_000n, { events: [used], block: 5n }, pruned)
    expect(await reconcile(later, chain)).toEqual(notFound)
    expect(chain.ranges).toHaveLength(40)
    expect(chain.ranges[19]).toEqual({ from: 80_001n, to: 81_000n })
  })

  test('of logs ends at the final block, and begins at the first', async () => {
    const young = { ...payment, validBefore: genesis + 70 }
    const use = { events: [used, transfer], block: 7n }
    const stateless = chainOf(20n, use, { stateSince: 20n })
    expect(await reconcile(young, stateless)).toMatchObject({ outcome: 'settled' })
    expect(stateless.ranges).toEqual([{ from: 0n, to: 20n }])
    const chain = chainOf(40n, use, { stateSince: 40n, hasLogs: false })
    expect(await reconcile(young, chain)).toEqual(notFound)
    expect(chain.ranges).toEqual([
      { from: 0n, to: 35n },
      { from: 36n, to: 40n },
    ])
  })

  test('is not ended by what a node cannot serve, but by logs that it cannot', async () => {
    const chain = chainOf(900_000n, { events: [used, transfer] }, pruned)
    const fail = () => Promise.reject(new Error('no answer'))
    await expect(reconcile(payment, { ...chain, findNonce: fail })).rejects.toThrow('no answer')
    await expect(reconcile(payment, { ...chain, block: fail })).rejects.toThrow('no answer')
    await expect(reconcile(payment, { ...chain, isNonceUsed: fail })).rejects.toThrow('no answer')
    await expect(reconcile(payment, { ...chain, receipt: fail })).rejects.toThrow('no answer')
  })

  test('is spared by a claimed transaction that holds', async () => {
    const claimed = { ...payment, claimedTransaction: hash }
    const chain = chainOf(10_040n, { events: [used, transfer] }, { hasLogs: false })
    expect(await reconcile(claimed, chain)).toEqual(settled)
    expect(chain.ranges).toEqual([])
  })

  test.each([
    ['is of another nonce', `0x${'ef'.repeat(32)}`],
    ['is no hash', '../../etc/passwd'],
    ['the node fails to look up', unserved],
  ])('is not misled by a claimed transaction that %s', async (_what, claim) => {
    const claimed = { ...payment, claimedTransaction: claim }
    const chain = chainOf(10_040n, { events: [used, transfer] })
    expect(await reconcile(claimed, chain)).toEqual(settled)
    expect(chain.ranges).toHaveLength(1)
  })

  test('is not misled by the same nonce of another payer', async () => {
    const claimed = { ...payment, claimedTransaction: hash }
    const events = [{ ...used, authorizer: payee }, transfer]
    const chain = chainOf(10_040n, { events }, { hasLogs: false })
    expect(await reconcile(claimed, chain)).toEqual(notFound)
  })

  test('does not believe a claimed transaction that is not final yet', async () => {
    const claimed = { ...payment, claimedTransaction: hash }
    const use = { events: [used, transfer], block: 10_021n }
    // The node answers for its newest block, whichever block the reader names.
    const eager = async (): Promise<boolean> => true
    const chain = { ...chainOf(10_020n, use), isNonceUsed: eager }
    expect(await reconcile(claimed, chain)).toEqual(notFound)
    expect(await reconcile(claimed, chainOf(10_021n, use))).toMatchObject({ outcome: 'settled' })
  })
})
