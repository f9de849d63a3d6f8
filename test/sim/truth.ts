import { type AuditEvent, type Change, GENESIS_HASH, recordHash, type Usage } from '@bursar/core'
import type { FakeChain } from '@bursar/core/testing'
import type { Disk } from './disk.ts'
import { lineOf, type Model } from './model.ts'
import type { ModelAccount, ModelPayment } from './model-payment.ts'
import { micro } from './over-limits.ts'

/** The true state of the world, whatever the guards have recorded. */
export interface Truth {
  readonly chain: FakeChain
  readonly disk: Disk
  /** The number of signatures for each nonce. */
  readonly signatures: ReadonlyMap<string, number>
  /** The nonces that a reorganised chain settled late, which no ledger can foresee. */
  readonly late: ReadonlySet<string>
}

/** Feeds the model with new records from the disk, and compares everything with the truth. */
export function checker(
  truth: Truth,
  model: Model,
  tell: (line: string) => void,
): () => string | undefined {
  const { disk, chain } = truth
  let read = 0
  let seen = ''
  const takeNew = (): string | undefined => {
    for (; read < disk.records.length; read += 1) {
      const record = disk.records[read]
      if (!record) break
      const previous = disk.records[read - 1]
      const hash = recordHash(previous?.hash ?? GENESIS_HASH, read + 1, record.at, record.body)
      if (record.seq !== read + 1 || record.hash !== hash) return 'L11: the chain of records broke'
      tell(`ledger: ${titleOf(record.body)}`)
      const problem = model.take(record)
      if (problem) return problem
    }
    return undefined
  }
  return () => {
    const state = `${disk.records.length} ${chain.transfers().length} ${truth.signatures.size} ${chain.time()}`
    if (state === seen) return undefined
    seen = state
    return (
      takeNew() ??
      wrongRows(disk, model) ??
      wrongTransfers(truth, model) ??
      [...model.payments.values()].map((paid) => wrongOutcome(truth, paid)).find(Boolean) ??
      [...model.accounts.values()].map((one) => overExposed(truth, model, one)).find(Boolean)
    )
  }
}

/** Formats a record in a few words. */
function titleOf(body: string): string {
  const event = JSON.parse(body) as AuditEvent
  const what = 'payment' in event ? event.payment : 'session' in event ? event.session : ''
  const why = 'code' in event ? ` ${event.code}` : 'amount' in event ? ` ${event.amount}` : ''
  return `${event.type} ${what}${why}`
}

/** Returns whether the money of a payment has moved. */
export function hasMoved({ chain }: Pick<Truth, 'chain'>, { nonce }: ModelPayment): boolean {
  return chain.transfers(nonce).length > 0
}

/** Returns whether the money of a payment could still move by the rules of the chain. */
export function canMove({ chain, signatures }: Truth, paid: ModelPayment): boolean {
  const isUsed = chain.use(paid.payer, paid.nonce, Number.POSITIVE_INFINITY) !== undefined
  return signatures.has(paid.nonce) && !isUsed && chain.time() < paid.validBefore
}

/** Checks L11: each change of a payment's state has one record, and each record its row. */
export function wrongChange(disk: Disk, change: Change<unknown>): string | undefined {
  const told = change.events.flatMap((event) =>
    'payment' in event && event.type.startsWith('payment-') ? [event.payment] : [],
  )
  const rows = (change.payments ?? []).filter((one) => {
    const before = disk.payments.get(one.id)
    return before?.state !== one.state
  })
  if (new Set(told).size !== told.length) return 'L11: two records for one change'
  const untold = rows.find((one) => !told.includes(one.id))
  return untold && `L11: ${untold.id} became ${untold.state} without a record`
}

/** Checks L2 and L10: rows equal the sums of their records, and ended accounts stay ended. */
function wrongRows(disk: Disk, model: Model): string | undefined {
  for (const row of [...disk.sessions.values(), ...disk.delegations.values()]) {
    const account = model.accounts.get(row.id)
    if (!account) return `L2: ${row.id} is in no record`
    const { settledMicro, heldMicro, payments } = model.sums(account)
    const { usage } = row
    if (usage.settledMicro !== settledMicro || usage.heldMicro !== heldMicro) {
      return `L2: ${row.id} says settled ${usage.settledMicro}, held ${usage.heldMicro}; its records say ${settledMicro}, ${heldMicro}`
    }
    if (usage.payments !== payments) return `L2: ${row.id} counts ${usage.payments} payments`
    const isEnded = row.revokedAt !== undefined || ('closedAt' in row && row.closedAt !== undefined)
    if (isEnded !== account.ended) return `L10: ${row.id} forgot that it had ended`
    if (row.expiresAt !== account.expiresAt) return `L10: ${row.id} expires at another time`
  }
  for (const { id, usage } of disk.endUsers.values()) {
    const account = model.accounts.get(id)
    const wrong = account ? wrongSums(usage, model.sums(account)) : 'is in no record'
    if (wrong) return `L2: ${id} ${wrong}`
  }
  for (const { account: id, usage, ...merchant } of disk.merchantUsages.values()) {
    const account = model.accounts.get(id)
    const wrong = account ? wrongSums(usage, model.sums(account, merchant)) : 'is in no record'
    if (wrong) return `L2: ${id} ${wrong} at ${merchant.host}`
  }
  for (const row of disk.payments.values()) {
    const state = model.payments.get(row.id)?.state
    if (row.state !== state) return `L2: ${row.id} is ${row.state}, its records say ${state}`
  }
  return undefined
}

function wrongSums(usage: Usage, said: ReturnType<Model['sums']>): string | undefined {
  const isSame =
    usage.settledMicro === said.settledMicro &&
    usage.heldMicro === said.heldMicro &&
    usage.payments === said.payments
  return isSame
    ? undefined
    : `says settled ${usage.settledMicro}, held ${usage.heldMicro}; its records say ${said.settledMicro}, ${said.heldMicro}`
}

/** Checks L4 and L5: every transfer was reserved before, with equal terms. */
function wrongTransfers({ chain }: Truth, model: Model): string | undefined {
  const byNonce = new Map([...model.payments.values()].map((paid) => [paid.nonce, paid]))
  for (const transfer of chain.transfers()) {
    const paid = byNonce.get(transfer.nonce)
    if (!paid) return 'L4: money moved that was never reserved'
    const { payee, payer, atomic, asset } = paid
    const isSame =
      transfer.to === payee &&
      transfer.from === payer &&
      transfer.atomic === atomic &&
      transfer.asset === asset
    if (!isSame) return `L5: what moved for ${paid.id} is not what was reserved`
  }
  return undefined
}

/** Checks L3, L4 and L7: settled payments have moved, and released ones never can. */
function wrongOutcome(truth: Truth, paid: ModelPayment): string | undefined {
  const { signatures, late } = truth
  if ((signatures.get(paid.nonce) ?? 0) > 1) return `L3: ${paid.id} was signed twice`
  if (paid.state === 'settled' && !hasMoved(truth, paid)) {
    return `L7: ${paid.id} is settled, and nothing moved`
  }
  if (paid.state !== 'released') return undefined
  if (paid.releasedBy === 'holder' && signatures.has(paid.nonce)) {
    return `L7: ${paid.id} was released as never signed, and was signed`
  }
  if (canMove(truth, paid)) return `L7: ${paid.id} was released, and can still move`
  const isLost = hasMoved(truth, paid) && !late.has(paid.nonce)
  return isLost ? `L7: ${paid.id} was released, and moved` : undefined
}

/** Checks L1 by the chain alone: transfers, and those still possible, are within every total. */
function overExposed(truth: Truth, model: Model, account: ModelAccount): string | undefined {
  const all = [...model.payments.values()].filter(
    (paid) => lineOf(paid.session).includes(account) && !truth.late.has(paid.nonce),
  )
  const most = all
    .filter((paid) => hasMoved(truth, paid) || canMove(truth, paid))
    .reduce((sum, paid) => sum + paid.micro, 0n)
  if (most <= micro(account.limits.total)) return undefined
  return `L1: ${most} of ${account.id} has moved or can move, of ${account.limits.total}`
}
