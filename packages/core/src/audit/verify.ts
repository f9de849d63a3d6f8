import type { EventOf } from '../ledger/audit-event.ts'
import type { AuditHead } from '../ledger/audit-record.ts'
import { endUserAccountId } from '../ledger/end-user-account.ts'
import type { RegisteredInstrument } from '../ledger/ledger-state.ts'
import type { Payment } from '../ledger/payment.ts'
import type { MerchantUsage } from '../money/limits.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../ports/store.ts'
import { type Failure, newTrail, readOn, type Trail } from './journal.ts'
import {
  delegationProblem,
  endUserProblem,
  merchantUsageProblem,
  sessionProblem,
} from './recorded-account.ts'
import { approvalProblem } from './recorded-approval.ts'
import { credentialProblem } from './recorded-credential.ts'
import { fixedProblem, paymentProblem, type RecordedPayment } from './recorded-payment.ts'
import { difference } from './row-difference.ts'
import { wrongRow } from './row-verification.ts'

/** Whether the trail is whole and the ledger is what the trail says. */
export type Verification =
  | { readonly ok: true; readonly records: number; readonly head: AuditHead | undefined }
  | Failure

/** How often the trail is read at most, where sessions are archived while it is. */
const MAX_READINGS = 3

/** Instruments have no list, and are read one by one: so many at the same time. */
const CONCURRENCY = 16

/**
 * Checks every link of the chain, and that delegations, sessions, payments, approvals and the owners
 * of instruments are what the records say, with all that they count. Payments may go on meanwhile.
 *
 * It names the first record that was changed, removed, swapped or added; or else a row, and in what
 * it differs. Alone it cannot see that the newest records were cut off together with their effects,
 * or that the whole trail was written anew: give it a `head` that was kept elsewhere for that.
 *
 * Of what was archived it checks that the records that say so are whole, that nothing else is gone,
 * and that delegations count what was archived; the rest is in the archive, for `verifyArchive`.
 *
 * A store has no list of the payees that merchants are pinned to, of keys, stored responses and
 * instruments: these are not checked, but for the instruments that the records name. Nor is what no
 * record has: the content type of a response and whether it was cut, more than the status of one
 * that came with a doubt, and the transaction that proved a release.
 *
 * It holds an entry for each account, payment, approval and instrument that there ever was, so its
 * memory grows with the ledger: verify a large one in a process of its own.
 */
export async function verifyLedger(store: Store, head?: AuditHead): Promise<Verification> {
  for (let read = 1; ; read += 1) {
    const trail = newTrail(store, head)
    const verified = await verifyOnce(trail)
    if (!trail.stale || read === MAX_READINGS) return verified
  }
}

async function verifyOnce(trail: Trail): Promise<Verification> {
  const { head } = trail
  const wrong = await readOn(trail)
  if (wrong) return wrong
  const unsaid = [...trail.fold.archives].find(([, { declared }]) => !declared)
  if (unsaid) return { ok: false, reason: `records of ${unsaid[0]} are gone, and in no archive` }
  if (!trail.headSeen) return { ok: false, reason: `the trail ends before its head ${head?.seq}` }
  const differing =
    (await wrongAccount(trail)) ??
    (await wrongPayment(trail)) ??
    (await wrongApproval(trail)) ??
    (await wrongCredential(trail)) ??
    (await wrongInstrument(trail))
  return differing ?? { ok: true, records: trail.last?.seq ?? 0, head: trail.last }
}

async function wrongAccount(trail: Trail): Promise<Failure | undefined> {
  const { store, fold } = trail
  const endUsers = await wrongRow(trail, {
    recorded: fold.endUsers,
    // Every end user with a delegation is asked for, so that an account without a record shows.
    list: listOf(
      [...fold.granted.keys()],
      async (endUser) => (await store.read({ endUser })).endUser,
    ),
    read: async (id) =>
      (await store.read({ endUser: id.slice(endUserAccountId('').length) })).endUser,
    problem: endUserProblem,
  })
  if (endUsers) return endUsers
  const session = await wrongRow(trail, {
    recorded: fold.sessions,
    list: (page) => store.sessions({}, page),
    read: async (id) => (await store.read({ session: id })).session,
    problem: sessionProblem,
    session: ({ id }) => id,
  })
  if (session) return session
  const delegation = await wrongRow(trail, {
    recorded: fold.delegations,
    list: (page) => store.delegations({}, page),
    read: async (id) => (await store.read({ delegation: id })).delegation,
    problem: delegationProblem,
  })
  return delegation ?? wrongMerchantUsage(trail)
}

/** What accounts have spent at merchants has no list of its own: what the records know is read. */
function wrongMerchantUsage(trail: Trail): Promise<Failure | undefined> {
  const { store, fold } = trail
  const read = async (
    id: string,
  ): Promise<(MerchantUsage & { readonly id: string }) | undefined> => {
    const recorded = fold.merchantUsages.get(id)?.recorded
    if (!recorded) return undefined
    const { account, host, payee } = recorded
    const owner = fold.endUsers.get(account)?.recorded.endUser
    const scope = fold.sessions.has(account) ? { session: account } : { delegation: account }
    const found = await store.read({
      ...(owner === undefined ? scope : { endUser: owner }),
      host,
      payee,
    })
    const usage = found.merchantUsages?.find((one) => one.account === account)
    return usage && { ...usage, id }
  }
  return wrongRow(trail, {
    recorded: fold.merchantUsages,
    list: listOf([...fold.merchantUsages.keys()], read),
    read,
    problem: merchantUsageProblem,
  })
}

/** A list of what can only be read one by one. */
function listOf<Row>(
  ids: readonly string[],
  read: (id: string) => Promise<Row | undefined>,
): (page: PageRequest) => Promise<Page<Row>> {
  return async ({ after }) => {
    const start = Number(after ?? 0)
    const some = ids.slice(start, start + CONCURRENCY)
    const rows = (await Promise.all(some.map(read))).filter((row) => row !== undefined)
    return some.length === 0 ? { rows } : { rows, cursor: `${start + some.length}` }
  }
}

function wrongPayment(trail: Trail): Promise<Failure | undefined> {
  const { store, fold } = trail
  return wrongRow(trail, {
    recorded: fold.payments,
    list: (page) => store.payments({}, page),
    read: async (id) => (await store.read({ payment: id })).payment,
    problem: paymentProblem,
    session: ({ session }) => session,
    explain: (row, recorded) => reservationProblem(store, row, recorded),
  })
}

/** What was reserved is kept as a hash only; which field differs is in the record. */
async function reservationProblem(
  store: Store,
  row: Payment,
  { page }: RecordedPayment,
): Promise<string | undefined> {
  const { rows } = await store.audit({ after: page, limit: MAX_PAGE })
  for (const { at, body } of rows) {
    const event = JSON.parse(body) as EventOf<'payment-reserved'>
    if (event.type === 'payment-reserved' && event.payment === row.id) {
      return fixedProblem(row, event, at)
    }
  }
  return undefined
}

function wrongApproval(trail: Trail): Promise<Failure | undefined> {
  const { store, fold } = trail
  return wrongRow(trail, {
    recorded: fold.approvals,
    list: (page) => store.approvals({}, page),
    read: async (id) => (await store.read({ approval: id })).approval,
    problem: approvalProblem,
    session: ({ session }) => session,
  })
}

function wrongCredential(trail: Trail): Promise<Failure | undefined> {
  const { store, fold } = trail
  return wrongRow(trail, {
    recorded: fold.credentials,
    list: (page) => store.credentials(page),
    read: async (id) => (await store.read({ credential: id })).credential,
    problem: credentialProblem,
  })
}

/** The owner of an instrument never changes, whatever goes on meanwhile. */
async function wrongInstrument({ store, fold }: Trail): Promise<Failure | undefined> {
  const registered = [...fold.instruments.values()].map(({ recorded }) => recorded)
  for (let start = 0; start < registered.length; start += CONCURRENCY) {
    const some = registered.slice(start, start + CONCURRENCY)
    const reasons = await Promise.all(some.map((one) => instrumentProblem(store, one)))
    const reason = reasons.find((one) => one !== undefined)
    if (reason !== undefined) return { ok: false, reason }
  }
  return undefined
}

async function instrumentProblem(
  store: Store,
  recorded: RegisteredInstrument,
): Promise<string | undefined> {
  const { handle } = recorded
  const { instrument } = await store.read({ instrument: handle })
  if (!instrument) return `${handle} is in the records, and not in the ledger`
  return difference(handle, instrument, recorded, ['endUser', 'registeredAt'])
}
