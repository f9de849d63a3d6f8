import type { AuditEvent, Page, PageRequest, PaymentSummary, Verification } from '@bursar/core'
import type { SandboxTransfer } from '@bursar/sandbox'
import { parseUnits } from 'viem'
import type { DemoWorld } from './world.ts'

/**
 * What the chain says beside what the ledger says, after everything has been proved. Amounts are in
 * micro-units, of which the test dollar's atomic unit is one.
 */
export interface Settlement {
  readonly chainSpent: bigint
  readonly ledgerSpent: bigint
  /** What the ledger still holds for payments without proof. */
  readonly held: bigint
  /** How much the wallet's balance fell. */
  readonly balanceFell: bigint
  readonly balanceLeft: bigint
  readonly overspend: bigint
  readonly merchants: readonly MerchantAccount[]
  readonly accounts: readonly SpendingAccount[]
  /** By which policies each payment was judged, as its record says; each list once. */
  readonly judgedBy: readonly string[]
  /** What became of the permissions at the wallet's provider, one for each delegation that has one. */
  readonly permissions: readonly string[]
  readonly audit: Verification
}

/** What one merchant got. */
export interface MerchantAccount {
  readonly name: string
  readonly transfers: number
  readonly onChain: bigint
  readonly payments: number
  readonly inLedger: bigint
}

/** What was spent of a permission or a session, as the chain has it, and what it allows. */
export interface SpendingAccount {
  readonly name: string
  readonly spent: bigint
  readonly largest: bigint
  readonly total: bigint
  readonly perPayment: bigint | undefined
}

/** Makes everything final, has the guard prove what it can, and then asks both sides. */
export async function settle(world: DemoWorld): Promise<Settlement> {
  const { sandbox, bursar, alice, delegation } = world
  // A block is final when two more follow it.
  await sandbox.mine(2)
  await bursar.reconcile()
  const everything = await sandbox.transfers()
  const transfers = everything.filter(({ from }) => sameAddress(from, alice.address))
  const payments = await all((page) => bursar.auditing.payments({ delegation }, page))
  const records = await all((page) => bursar.auditing.read(page))
  const proven = payments.filter(({ state }) => state === 'settled')
  const delegations = await all((page) => bursar.endUser('alice').delegations(page))
  const sessions = await all((page) => bursar.management.sessions({ delegation }, page))
  const accounts = [
    ...delegations.map(({ limits }) => account('the permission', limits, transfers)),
    ...sessions.map(({ id, limits }) => {
      const name = world.sessions.find((one) => one.id === id)?.name ?? id
      const own = proven.filter(({ session }) => session === id)
      return account(`session "${name}"`, limits, transfersOf(own, transfers))
    }),
  ]
  const chainSpent = sumOf(transfers)
  const balanceLeft = await sandbox.balanceOf(alice.address)
  return {
    chainSpent,
    ledgerSpent: sum(delegations.map(({ settled }) => micro(settled))),
    held: sum(delegations.map(({ held }) => micro(held))),
    balanceFell: world.fundedAtomic - balanceLeft,
    balanceLeft,
    overspend: overspend(accounts, chainSpent - sumOf(transfersOf(proven, transfers))),
    merchants: merchantAccounts(world, transfers, proven),
    accounts,
    permissions: delegations.flatMap(({ permission }) => (permission ? [permission.state] : [])),
    judgedBy: judgedBy(records.map(({ event }) => event)),
    audit: await bursar.auditing.verify(),
  }
}

function judgedBy(events: readonly AuditEvent[]): string[] {
  const lists = events.flatMap((event) =>
    event.type === 'payment-reserved' ? [event.policies.join(', ')] : [],
  )
  return [...new Set(lists)]
}

/** The most that was spent over any limit. Money that no payment of the ledger explains is over all. */
export function overspend(accounts: readonly SpendingAccount[], unexplained: bigint): bigint {
  const over = accounts.flatMap(({ spent, largest, total, perPayment }) => [
    spent - total,
    perPayment === undefined ? 0n : largest - perPayment,
  ])
  return [unexplained, ...over].reduce((most, one) => (one > most ? one : most), 0n)
}

function merchantAccounts(
  { sandbox }: DemoWorld,
  transfers: readonly SandboxTransfer[],
  proven: readonly PaymentSummary[],
): MerchantAccount[] {
  const { honest, legacy, hostile } = sandbox.merchants
  return [honest, legacy, ...Object.values(hostile)].flatMap(({ name, payee }) => {
    const received = transfers.filter(({ to }) => sameAddress(to, payee))
    const paid = proven.filter((payment) => sameAddress(payment.payee, payee))
    if (received.length + paid.length === 0) return []
    return {
      name,
      transfers: received.length,
      onChain: sumOf(received),
      payments: paid.length,
      inLedger: sum(paid.map(({ settled }) => micro(settled ?? '0'))),
    }
  })
}

function account(
  name: string,
  limits: { readonly total: string; readonly perPayment?: string },
  transfers: readonly SandboxTransfer[],
): SpendingAccount {
  const { total, perPayment } = limits
  return {
    name,
    spent: sumOf(transfers),
    largest: transfers.reduce((most, { value }) => (value > most ? value : most), 0n),
    total: micro(total),
    perPayment: perPayment === undefined ? undefined : micro(perPayment),
  }
}

/** The movements on the chain that prove these payments. */
function transfersOf(
  payments: readonly PaymentSummary[],
  transfers: readonly SandboxTransfer[],
): SandboxTransfer[] {
  const proofs = payments.map(({ evidence }) => evidence?.transaction)
  return transfers.filter(({ transaction }) => proofs.includes(transaction))
}

async function all<Row>(read: (page: PageRequest) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page: Page<Row> = await read({ after })
    rows.push(...page.rows)
    after = page.cursor
  } while (after !== undefined)
  return rows
}

function micro(amount: string): bigint {
  return parseUnits(amount, 6)
}

function sumOf(transfers: readonly SandboxTransfer[]): bigint {
  return sum(transfers.map(({ value }) => value))
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, one) => total + one, 0n)
}

function sameAddress(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}
