import { createHash, randomUUID } from 'node:crypto'
import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Asset } from '../money/asset.ts'
import type { TransferAuthorization } from '../ports/wallet.ts'
import { fakeSignature } from './fake-wallet.ts'

/** The asset of fake payments, FUSD. A guard has to list it under `assets`. */
export const fakeAsset: Asset = {
  network: 'eip155:31337',
  address: `0x${'fa4e'.padStart(40, '0')}`,
  symbol: 'FUSD',
  currency: 'USD',
  decimals: 6,
  name: 'Fake USD',
  version: '1',
}

/** Settings of a fake chain. */
export interface FakeChainOptions {
  /**
   * A clock in milliseconds since the epoch, such as the store's.
   * @default Date.now
   */
  readonly clock?: () => number
  /**
   * The age in seconds at which a block is final.
   * @default 0
   */
  readonly finalitySeconds?: number
  /**
   * The path of a file of JSON lines, by which several processes share the chain.
   * @default the chain is kept in memory
   */
  readonly file?: string
}

/** An authorization as a merchant receives it. */
export interface SignedAuthorization {
  readonly authorization: TransferAuthorization
  readonly signature: `0x${string}`
}

/** A transfer of the asset. */
export interface FakeTransfer {
  readonly nonce: `0x${string}`
  readonly asset: string
  readonly from: string
  readonly to: string
  readonly atomic: bigint
  readonly transaction: `0x${string}`
  /** The time of the transfer, in Unix seconds. */
  readonly at: number
}

/** The reason why an authorization was not settled. */
export type FakeRefusal =
  | 'not_received'
  | 'invalid_signature'
  | 'used'
  | 'expired'
  | 'balance_too_low'

/** The outcome of an attempt to settle. */
export type FakeSettlement =
  | { readonly settled: true; readonly transfer: FakeTransfer }
  | { readonly settled: false; readonly reason: FakeRefusal }

/** The transfer or the cancellation that used a nonce. */
export type FakeUse =
  | ({ readonly kind: 'transfer' } & FakeTransfer)
  | { readonly kind: 'cancel'; readonly transaction: `0x${string}`; readonly at: number }

/** A chain that exists only in a test, with one token contract for each asset. */
export interface FakeChain {
  /** Returns the time of the newest block, in Unix seconds. */
  time(): number
  /** Returns the time of the newest final block, in Unix seconds. */
  finalTime(): number
  /** Creates money. */
  mint(asset: Asset, address: string, atomic: bigint): void
  /** Removes money, as its owner could at any time. Throws a RangeError if the balance is lower. */
  burn(asset: Asset, address: string, atomic: bigint): void
  balance(asset: Asset, address: string): bigint
  /** Stores an authorization that a merchant received. No money moves. */
  receive(signed: SignedAuthorization): void
  /** The authorizations that merchants received so far, oldest first, repetitions included. */
  readonly received: readonly SignedAuthorization[]
  /** Settles the first authorization received with this nonce, under the contract's rules. */
  settle(nonce: string): FakeSettlement
  /** Settles the first authorization received with this nonce although it has expired, as after a reorganisation. */
  settleLate(nonce: string): FakeSettlement
  /** Settles exactly this authorization under the contract's rules, at most once for a nonce. */
  submit(signed: SignedAuthorization): FakeSettlement
  /** Makes a nonce unusable. Returns false if the nonce is used already. */
  cancel(payer: string, nonce: string): boolean
  /** Returns the use of a payer's nonce in blocks up to a time in Unix seconds. Returns undefined if it is unused. */
  use(payer: string, nonce: string, until: number): FakeUse | undefined
  /** Returns all transfers, oldest first, or the one transfer of a nonce. */
  transfers(nonce?: string): readonly FakeTransfer[]
  /** Sets whether the chain answers rails. While it doesn't, their calls throw. */
  setReachable(reachable: boolean): void
  /** Throws an error while the chain is set unreachable. */
  assertReachable(): void
}

/**
 * Creates a chain for tests.
 *
 * @example
 * ```ts
 * const chain = fakeChain()
 * chain.mint(fakeAsset, '0x00000000000000000000000000000000000a11ce', 1_000_000n)
 * ```
 */
export function fakeChain(options: FakeChainOptions = {}): FakeChain {
  const { clock = Date.now, finalitySeconds = 0, file } = options
  const state: State = {
    balances: new Map(),
    uses: new Map(),
    refusals: new Map(),
    received: [],
    transfers: [],
  }
  const log = file === undefined ? memoryChainLog(state) : fileChainLog(state, file)
  const time = (): number => Math.floor(clock() / 1000)
  let reachable = true

  const receivedFirst = (nonce: string): SignedAuthorization | undefined =>
    log.state().received.find(({ authorization }) => authorization.nonce === nonce)
  const submit = (signed: SignedAuthorization | undefined, late: boolean): FakeSettlement => {
    if (!signed) return { settled: false, reason: 'not_received' }
    const record: Entry = { kind: 'settle', id: randomUUID(), at: time(), late, ...signed }
    log.append(record)
    // Another process may have come first: the file's order decides, as the order of a block does.
    const reason = log.state().refusals.get(record.id)
    return reason
      ? { settled: false, reason }
      : { settled: true, transfer: chainTransferOf(record) }
  }
  const move = (asset: Asset, address: string, atomic: bigint): void =>
    log.append({ kind: 'credit', asset: asset.address, address, atomic })

  return {
    time,
    finalTime: () => time() - finalitySeconds,
    mint: move,
    burn(asset, address, atomic) {
      const balance = chainBalanceOf(log.state(), asset.address, address)
      if (balance < atomic) throw new RangeError(`${address} holds ${balance}, not ${atomic}.`)
      move(asset, address, -atomic)
    },
    balance: (asset, address) => chainBalanceOf(log.state(), asset.address, address),
    receive: (signed) => log.append({ kind: 'receive', ...signed }),
    get received() {
      return log.state().received
    },
    settle: (nonce) => submit(receivedFirst(nonce), false),
    settleLate: (nonce) => submit(receivedFirst(nonce), true),
    submit: (signed) => submit(signed, false),
    cancel(payer, nonce) {
      const id = randomUUID()
      log.append({ kind: 'cancel', id, at: time(), payer, nonce })
      return log.state().uses.get(chainUseKey(payer, nonce))?.id === id
    },
    use(payer, nonce, until) {
      const use = log.state().uses.get(chainUseKey(payer, nonce))
      return use && use.at <= until ? use : undefined
    },
    transfers(nonce) {
      const { transfers } = log.state()
      return nonce === undefined ? transfers : transfers.filter((one) => one.nonce === nonce)
    },
    setReachable(now) {
      reachable = now
    },
    assertReachable() {
      if (!reachable) throw new Error('The fake chain was told to be out of reach.')
    },
  }
}

type Entry =
  | { kind: 'credit'; asset: string; address: string; atomic: bigint }
  | ({ kind: 'receive' } & SignedAuthorization)
  | ({ kind: 'settle'; id: string; at: number; late: boolean } & SignedAuthorization)
  | { kind: 'cancel'; id: string; at: number; payer: string; nonce: string }

interface State {
  readonly balances: Map<string, bigint>
  readonly uses: Map<string, FakeUse & { readonly id: string }>
  /** The reasons of failed attempts to settle, by their entry's id. */
  readonly refusals: Map<string, FakeRefusal>
  readonly received: SignedAuthorization[]
  readonly transfers: FakeTransfer[]
}

interface Log {
  append(entry: Entry): void
  /** Returns the state after every entry so far, entries of other processes included. */
  state(): State
}

function memoryChainLog(state: State): Log {
  return { append: (entry) => applyToChain(state, entry), state: () => state }
}

/** Creates a log of one line per entry, each written by one call, so that a killed process leaves no partial entry. */
function fileChainLog(state: State, file: string): Log {
  const descriptor = openSync(file, 'a+')
  closeSync(descriptor)
  let offset = 0
  return {
    append: (entry) => appendFileSync(file, `${JSON.stringify(entry, writeChainBigInt)}\n`),
    state() {
      const fresh = readChainLogFrom(file, offset)
      const end = fresh.lastIndexOf(0x0a) + 1
      offset += end
      const lines = fresh.subarray(0, end).toString().split('\n').filter(Boolean)
      for (const line of lines) applyToChain(state, JSON.parse(line, readChainBigInt) as Entry)
      return state
    },
  }
}

function readChainLogFrom(file: string, offset: number): Buffer {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - offset))
    const read = bytes.length > 0 ? readSync(descriptor, bytes, 0, bytes.length, offset) : 0
    return bytes.subarray(0, read)
  } finally {
    closeSync(descriptor)
  }
}

function writeChainBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { bigint: `${value}` } : value
}

function readChainBigInt(_key: string, value: unknown): unknown {
  const text = (value as { readonly bigint?: unknown } | null)?.bigint
  return typeof text === 'string' ? BigInt(text) : value
}

function applyToChain(state: State, entry: Entry): void {
  switch (entry.kind) {
    case 'credit':
      creditOnChain(state, entry.asset, entry.address, entry.atomic)
      break
    case 'receive':
      state.received.push({ authorization: entry.authorization, signature: entry.signature })
      break
    case 'cancel': {
      const { id, at, payer, nonce } = entry
      const key = chainUseKey(payer, nonce)
      if (state.uses.has(key)) break
      state.uses.set(key, { kind: 'cancel', id, at, transaction: chainTransactionOf(nonce) })
      break
    }
    case 'settle': {
      const refusal = chainRefusalOf(state, entry)
      if (refusal) state.refusals.set(entry.id, refusal)
      else settleOnChain(state, entry)
      break
    }
    default:
      entry satisfies never
  }
}

function settleOnChain(state: State, entry: Extract<Entry, { kind: 'settle' }>): void {
  const transfer = chainTransferOf(entry)
  const { asset, from, to, atomic, nonce } = transfer
  state.uses.set(chainUseKey(from, nonce), { kind: 'transfer', id: entry.id, ...transfer })
  state.transfers.push(transfer)
  creditOnChain(state, asset, from, -atomic)
  creditOnChain(state, asset, to, atomic)
}

function chainRefusalOf(
  state: State,
  entry: Extract<Entry, { kind: 'settle' }>,
): FakeRefusal | undefined {
  const { authorization, signature, at, late } = entry
  if (signature !== fakeSignature(authorization)) return 'invalid_signature'
  if (state.uses.has(chainUseKey(authorization.from, authorization.nonce))) return 'used'
  if (!late && BigInt(at) >= authorization.validBefore) return 'expired'
  const balance = chainBalanceOf(state, authorization.token.address, authorization.from)
  return balance < authorization.value ? 'balance_too_low' : undefined
}

function chainTransferOf(entry: Extract<Entry, { kind: 'settle' }>): FakeTransfer {
  const { token, from, to, value, nonce } = entry.authorization
  const transaction = chainTransactionOf(nonce)
  return { nonce, asset: token.address, from, to, atomic: value, transaction, at: entry.at }
}

function chainTransactionOf(nonce: string): `0x${string}` {
  return `0x${createHash('sha256').update(nonce).digest('hex')}`
}

function chainUseKey(payer: string, nonce: string): string {
  return `${payer.toLowerCase()} ${nonce}`
}

function chainBalanceOf(state: State, asset: string, address: string): bigint {
  return state.balances.get(chainBalanceKey(asset, address)) ?? 0n
}

function creditOnChain(state: State, asset: string, address: string, atomic: bigint): void {
  const key = chainBalanceKey(asset, address)
  state.balances.set(key, (state.balances.get(key) ?? 0n) + atomic)
}

function chainBalanceKey(asset: string, address: string): string {
  return `${asset} ${address}`.toLowerCase()
}
