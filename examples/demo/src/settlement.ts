import type { AuditEvent, Page, PageRequest, PaymentSummary, Verification } from '@bursar/core'
import type { SandboxTransfer } from '@bursar/sandbox'
import { parseUnits } from 'viem'
import type { DemoWorld } from './world.ts'

/**
 * The chain's figures beside the ledger's, after everything has been proved. Amounts are in
 * micro-units, of which the test dollar's atomic unit is one.
 */
export interface Settlement {
  readonly chainSpent: bigint
  readonly ledgerSpent: bigint
  /** The amount that the ledger still holds for payments without proof. */
  readonly held: bigint
  /** The amount by which the wallet's balance fell. */
  readonly balanceFell: bigint
  readonly balanceLeft: bigint
  readonly overspend: bigint
  readonly merchants: readonly MerchantAccount[]
  readonly accounts: readonly SpendingAccount[]
  /** The policies that judged the payments, as their records list them; each list once. */
  readonly judgedBy: readonly string[]
  /** The states of the permissions at the wallet's provider, one for each delegation that has one. */
  readonly permissions: readonly string[]
  readonly audit: Verification
}

/** The income of one merchant. */
export interface MerchantAccount {
  readonly name: string
  readonly transfers: number
  readonly onChain: bigint
  readonly payments: number
  readonly inLedger: bigint
}

/** The spending of a permission or a session according to the chain, with its limits. */
export interface SpendingAccount {
  readonly name: string
  readonly spent: bigint
  readonly largest: bigint
  readonly total: bigint
  readonly perPayment: bigint | undefined
}

/** Makes every block final, has the guard prove every payment, and compares both sides. */
export async function settleAll(world: DemoWorld): Promise<Settlement> {
  const { sandbox, bursar, alice, delegation } = world
  // A block is final when two more follow it.
  await sandbox.mine(2)
  await bursar.reconcile()
  const everything = await sandbox.transfers()
  const transfers = everything.filter(({ from }) => isSameAddress(from, alice.address))
  const payments = await readAll((page) => bursar.auditing.payments({ delegation }, page))
  const records = await readAll((page) => bursar.auditing.read(page))
  const proven = payments.filter(({ state }) => state === 'settled')
  const delegations = await readAll((page) => bursar.endUser('alice').delegations(page))
  const sessions = await readAll((page) => bursar.management.sessions({ delegation }, page))
  const accounts = [
    ...delegations.map(({ limits }) => accountOf('the permission', limits, transfers)),
    ...sessions.map(({ id, limits }) => {
      const name = world.sessions.find((one) => one.id === id)?.name ?? id
      const own = proven.filter(({ session }) => session === id)
      return accountOf(`session "${name}"`, limits, transfersOf(own, transfers))
    }),
  ]
  const chainSpent = sumValues(transfers)
  const balanceLeft = await sandbox.balanceOf(alice.address)
  return {
    chainSpent,
    ledgerSpent: addAll(delegations.map(({ settled }) => parseMicro(settled))),
    held: addAll(delegations.map(({ held }) => parseMicro(held))),
    balanceFell: world.fundedAtomic - balanceLeft,
    balanceLeft,
    overspend: findOverspend(accounts, chainSpent - sumValues(transfersOf(proven, transfers))),
    merchants: merchantAccounts(world, transfers, proven),
    accounts,
    permissions: delegations.flatMap(({ permission }) => (permission ? [permission.state] : [])),
    judgedBy: listPolicies(records.map(({ event }) => event)),
    audit: await bursar.auditing.verify(),
  }
}

function listPolicies(events: readonly AuditEvent[]): string[] {
  const lists = events.flatMap((event) =>
    event.type === 'payment-reserved' ? [event.policies.join(', ')] : [],
  )
  return [...new Set(lists)]
}

/** Returns the most that was spent over any limit. Money without a ledger entry counts as over. */
export function findOverspend(accounts: readonly SpendingAccount[], unexplained: bigint): bigint {
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
    const received = transfers.filter(({ to }) => isSameAddress(to, payee))
    const paid = proven.filter((payment) => isSameAddress(payment.payee, payee))
    if (received.length + paid.length === 0) return []
    return {
      name,
      transfers: received.length,
      onChain: sumValues(received),
      payments: paid.length,
      inLedger: addAll(paid.map(({ settled }) => parseMicro(settled ?? '0'))),
    }
  })
}

function accountOf(
  name: string,
  limits: { readonly total: string; readonly perPayment?: string },
  transfers: readonly SandboxTransfer[],
): SpendingAccount {
  const { total, perPayment } = limits
  return {
    name,
    spent: sumValues(transfers),
    largest: transfers.reduce((most, { value }) => (value > most ? value : most), 0n),
    total: parseMicro(total),
    perPayment: perPayment === undefined ? undefined : parseMicro(perPayment),
  }
}

/** Returns the transfers on the chain that prove these payments. */
function transfersOf(
  payments: readonly PaymentSummary[],
  transfers: readonly SandboxTransfer[],
): SandboxTransfer[] {
  const proofs = payments.map(({ evidence }) => evidence?.transaction)
  return transfers.filter(({ transaction }) => proofs.includes(transaction))
}

async function readAll<Row>(read: (page: PageRequest) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page: Page<Row> = await read({ after })
    rows.push(...page.rows)
    after = page.cursor
  } while (after !== undefined)
  return rows
}

function parseMicro(amount: string): bigint {
  return parseUnits(amount, 6)
}

function sumValues(transfers: readonly SandboxTransfer[]): bigint {
  return addAll(transfers.map(({ value }) => value))
}

function addAll(values: readonly bigint[]): bigint {
  return values.reduce((total, one) => total + one, 0n)
}

function isSameAddress(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}
