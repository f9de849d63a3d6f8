import type { Bursar, PaymentSummary, SessionSummary, Verification } from '@bursar/core'
import type { SandboxTransfer } from '@bursar/sandbox'
import { everyRow } from '../service/ledger-guard.ts'
import { type Belief, toldOutcome } from './belief.ts'

/**
 * The comparison of the three accounts of one load: the clients' beliefs, the ledger, and the
 * chain.
 */
export interface Account {
  readonly payments: Readonly<Record<string, number>>
  readonly transfers: number
  /** The counts of calls whose clients got an unknown outcome, by whether they were paid. */
  readonly unknown: { readonly paid: number; readonly notPaid: number }
  /** The disagreements between clients, ledger and chain, as sentences: empty if all agree. */
  readonly problems: readonly string[]
}

/** The most runs of reconciliation. Each asks about 200 payments. */
const MAX_RUNS = 2_000

/** Reconciles until no payment is unproven. The chain's time must be past every validity. */
export async function proveAll(ledger: Bursar, onProgress: (left: number) => void): Promise<void> {
  for (let run = 0; run < MAX_RUNS; run += 1) {
    const { payments } = await ledger.management.exposure()
    onProgress(payments.length)
    if (payments.length === 0) return
    await ledger.reconcile()
  }
  throw new Error('Payments stay unproven.')
}

/** The ledger's own account of payments, sessions and their verification. */
export interface LedgerAccount {
  readonly payments: readonly PaymentSummary[]
  readonly sessions: readonly SessionSummary[]
  readonly verified: Verification
}

export async function readLedger({ auditing, management }: Bursar): Promise<LedgerAccount> {
  return {
    payments: await everyRow((page) => auditing.payments({}, page)),
    sessions: await everyRow((page) => management.sessions({}, page)),
    verified: await auditing.verify(),
  }
}

/** Compares the three accounts. `transfers` are those of the wallet that paid. */
export function account(
  { payments, sessions, verified }: LedgerAccount,
  beliefs: readonly Belief[],
  transfers: readonly SandboxTransfer[],
): Account {
  const unknown = { paid: 0, notPaid: 0 }
  const problems = [
    ...(verified.ok ? [] : [`The trail does not verify: ${JSON.stringify(verified)}`]),
    ...chainProblems(payments, transfers),
    ...beliefProblems(payments, beliefs, unknown),
    ...sessions
      .filter((one) => Number(one.settled) > Number(one.limits.total) || one.held !== '0.00')
      .map(({ id, settled, held }) => `Session ${id} has ${settled} settled and ${held} held.`),
  ]
  const states: Record<string, number> = {}
  for (const { state } of payments) states[state] = (states[state] ?? 0) + 1
  return { payments: states, transfers: transfers.length, unknown, problems }
}

/** Checks that settled payments and transfers match one to one, with equal amounts. */
function chainProblems(
  payments: readonly PaymentSummary[],
  transfers: readonly SandboxTransfer[],
): string[] {
  const problems: string[] = []
  const settled = payments.filter(({ state }) => state === 'settled')
  const byTransaction = new Map(transfers.map((one) => [one.transaction as string, one]))
  const seen = new Set<string>()
  for (const { id, evidence, settled: amount, payee } of settled) {
    const transaction = evidence?.transaction ?? ''
    const transfer = byTransaction.get(transaction)
    if (!transfer) problems.push(`${id} is settled, and the chain has no transfer of it.`)
    else if (seen.has(transaction)) problems.push(`${id} shares its transfer with another payment.`)
    else if (transfer.value !== BigInt(Math.round(Number(amount) * 1_000_000))) {
      problems.push(`${id} settled ${amount}, and ${transfer.value} moved.`)
    } else if (transfer.to.toLowerCase() !== payee.toLowerCase()) {
      problems.push(`${id} was for ${payee}, and ${transfer.to} was paid.`)
    }
    seen.add(transaction)
  }
  for (const { transaction } of transfers) {
    if (!seen.has(transaction)) problems.push(`${transaction} moved money that no payment has.`)
  }
  for (const { id, state } of payments) {
    if (state !== 'settled' && state !== 'released') problems.push(`${id} is ${state}.`)
  }
  return problems
}

/**
 * Checks that each payment has one call, that each call settled at most once, and that no client
 * was told otherwise.
 */
function beliefProblems(
  payments: readonly PaymentSummary[],
  beliefs: readonly Belief[],
  unknown: { paid: number; notPaid: number },
): string[] {
  const problems: string[] = []
  const left = new Map<string, PaymentSummary[]>()
  for (const payment of payments) {
    const place = `${payment.merchant}${payment.path}`
    left.set(place, [...(left.get(place) ?? []), payment])
  }
  for (const { url, answer, paymentId, call } of beliefs) {
    const { host, pathname } = new URL(url)
    const own = left.get(host + pathname) ?? []
    left.delete(host + pathname)
    const name = `call ${call.conversation}/${call.id}`
    const settled = own.filter(({ state }) => state === 'settled')
    if (settled.length > 1) problems.push(`The ${name} was paid ${settled.length} times.`)
    const outcome = toldOutcome(answer)
    if (outcome === 'unknown') unknown[settled.length > 0 ? 'paid' : 'notPaid'] += 1
    else if ((outcome === 'paid') !== (settled.length === 1)) {
      problems.push(`The ${name} was told ${answer}, and has ${settled.length} settled payments.`)
    } else if (paymentId !== undefined && settled[0]?.id !== paymentId) {
      problems.push(`The ${name} was told of ${paymentId}, and ${settled[0]?.id} is settled.`)
    }
  }
  for (const place of left.keys()) problems.push(`${place} was paid, and nobody asked for it.`)
  return problems
}
