import type { EventOf } from '../ledger/audit-event.ts'
import type { AuditHead } from '../ledger/audit-record.ts'
import { endUserAccountId } from '../ledger/end-user-account.ts'
import type { RegisteredInstrument } from '../ledger/ledger-state.ts'
import type { Payment } from '../ledger/payment.ts'
import type { MerchantUsage } from '../money/limits.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../ports/store.ts'
import { createJournal, type Failure, readJournalRecords, type Trail } from './journal.ts'
import {
  findRecordedDelegationDifference,
  findRecordedEndUserDifference,
  findRecordedSessionDifference,
  findRecordedUsageDifference,
} from './recorded-account.ts'
import { findRecordedApprovalDifference } from './recorded-approval.ts'
import { findRecordedCredentialDifference } from './recorded-credential.ts'
import {
  findRecordedPaymentDifference,
  findRecordedReservationDifference,
} from './recorded-payment.ts'
import type { RecordedPayment } from './replay-state.ts'
import { findRowDifference } from './row-difference.ts'
import { findWrongRow } from './row-verification.ts'

/** The result of verifying a ledger: the number of records and the last one, or the first fault. */
export type Verification =
  | { readonly ok: true; readonly records: number; readonly head: AuditHead | undefined }
  | Failure

/** The most readings of the trail: a reading during which a session is archived starts anew. */
const MAX_READINGS = 3

/** The rows without a list, such as instruments, that are read at the same time. */
const CONCURRENCY = 16

/**
 * Checks every link between records, and that delegations, sessions, payments, approvals, keys and the owners
 * of instruments, with their sums, are as the records make them. Payments may go on meanwhile.
 *
 * Returns the first record that was changed, removed, swapped or added, or else the first row and field that
 * differ. Pass a `head` that you kept elsewhere: without it, a trail whose newest records were cut off
 * together with their effects, or that was rewritten as a whole, passes.
 *
 * For archived sessions, the call checks that their declarations are whole, that no other record is gone, and
 * that delegations count the archived sums. `verifyArchive` checks the archive files.
 *
 * A store has no list of pinned payees, idempotency keys and stored responses, so these rows are not checked.
 * Fields that no record contains are not checked either: the content type of a response, whether it was cut,
 * and the transaction that proved a release.
 *
 * Memory grows with the number of accounts, payments, approvals and instruments: verify a large ledger in a
 * process of its own.
 *
 * @example
 * ```ts
 * const verified = await verifyLedger(store)
 * if (!verified.ok) console.error(verified.reason)
 * ```
 */
export async function verifyLedger(store: Store, head?: AuditHead): Promise<Verification> {
  for (let read = 1; ; read += 1) {
    const trail = createJournal(store, head)
    const verified = await verifyOnce(trail)
    if (!trail.stale || read === MAX_READINGS) return verified
  }
}

async function verifyOnce(trail: Trail): Promise<Verification> {
  const { head } = trail
  const wrong = await readJournalRecords(trail)
  if (wrong) return wrong
  const unsaid = [...trail.replay.archives].find(([, { declared }]) => !declared)
  if (unsaid) return { ok: false, reason: `records of ${unsaid[0]} are gone, and in no archive` }
  if (!trail.headSeen) return { ok: false, reason: `the trail ends before its head ${head?.seq}` }
  const differing =
    (await verifyAccounts(trail)) ??
    (await verifyPayments(trail)) ??
    (await verifyApprovals(trail)) ??
    (await verifyCredentials(trail)) ??
    (await verifyInstruments(trail))
  return differing ?? { ok: true, records: trail.last?.seq ?? 0, head: trail.last }
}

async function verifyAccounts(trail: Trail): Promise<Failure | undefined> {
  const { store, replay } = trail
  const endUsers = await findWrongRow(trail, {
    recorded: replay.endUsers,
    // Every end user with a delegation is read, so that an account without a record is found.
    list: listRowsToVerify(
      [...replay.granted.keys()],
      async (endUser) => (await store.read({ endUser })).endUser,
    ),
    read: async (id) =>
      (await store.read({ endUser: id.slice(endUserAccountId('').length) })).endUser,
    problem: findRecordedEndUserDifference,
  })
  if (endUsers) return endUsers
  const session = await findWrongRow(trail, {
    recorded: replay.sessions,
    list: (page) => store.sessions({}, page),
    read: async (id) => (await store.read({ session: id })).session,
    problem: findRecordedSessionDifference,
    session: ({ id }) => id,
  })
  if (session) return session
  const delegation = await findWrongRow(trail, {
    recorded: replay.delegations,
    list: (page) => store.delegations({}, page),
    read: async (id) => (await store.read({ delegation: id })).delegation,
    problem: findRecordedDelegationDifference,
  })
  return delegation ?? verifyMerchantUsages(trail)
}

/** Compares the usages at merchants. They have no list, so those that the records name are read. */
function verifyMerchantUsages(trail: Trail): Promise<Failure | undefined> {
  const { store, replay } = trail
  const read = async (
    id: string,
  ): Promise<(MerchantUsage & { readonly id: string }) | undefined> => {
    const recorded = replay.merchantUsages.get(id)?.recorded
    if (!recorded) return undefined
    const { account, host, payee } = recorded
    const owner = replay.endUsers.get(account)?.recorded.endUser
    const scope = replay.sessions.has(account) ? { session: account } : { delegation: account }
    const found = await store.read({
      ...(owner === undefined ? scope : { endUser: owner }),
      host,
      payee,
    })
    const usage = found.merchantUsages?.find((one) => one.account === account)
    return usage && { ...usage, id }
  }
  return findWrongRow(trail, {
    recorded: replay.merchantUsages,
    list: listRowsToVerify([...replay.merchantUsages.keys()], read),
    read,
    problem: findRecordedUsageDifference,
  })
}

/** Creates a list of rows that can only be read by id. */
function listRowsToVerify<Row>(
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

function verifyPayments(trail: Trail): Promise<Failure | undefined> {
  const { store, replay } = trail
  return findWrongRow(trail, {
    recorded: replay.payments,
    list: (page) => store.payments({}, page),
    read: async (id) => (await store.read({ payment: id })).payment,
    problem: findRecordedPaymentDifference,
    session: ({ session }) => session,
    explain: (row, recorded) => findReservationDifference(store, row, recorded),
  })
}

/** Reads the reservation of a payment again, of which only a hash was kept, to name the field that differs. */
async function findReservationDifference(
  store: Store,
  row: Payment,
  { page }: RecordedPayment,
): Promise<string | undefined> {
  const { rows } = await store.audit({ after: page, limit: MAX_PAGE })
  for (const { at, body } of rows) {
    const event = JSON.parse(body) as EventOf<'payment-reserved'>
    if (event.type === 'payment-reserved' && event.payment === row.id) {
      return findRecordedReservationDifference(row, event, at)
    }
  }
  return undefined
}

function verifyApprovals(trail: Trail): Promise<Failure | undefined> {
  const { store, replay } = trail
  return findWrongRow(trail, {
    recorded: replay.approvals,
    list: (page) => store.approvals({}, page),
    read: async (id) => (await store.read({ approval: id })).approval,
    problem: findRecordedApprovalDifference,
    session: ({ session }) => session,
  })
}

function verifyCredentials(trail: Trail): Promise<Failure | undefined> {
  const { store, replay } = trail
  return findWrongRow(trail, {
    recorded: replay.credentials,
    list: (page) => store.credentials(page),
    read: async (id) => (await store.read({ credential: id })).credential,
    problem: findRecordedCredentialDifference,
  })
}

/** Compares the owners of instruments, which never change, so that no newer record needs to be read. */
async function verifyInstruments({ store, replay }: Trail): Promise<Failure | undefined> {
  const registered = [...replay.instruments.values()].map(({ recorded }) => recorded)
  for (let start = 0; start < registered.length; start += CONCURRENCY) {
    const some = registered.slice(start, start + CONCURRENCY)
    const reasons = await Promise.all(some.map((one) => verifyInstrument(store, one)))
    const reason = reasons.find((one) => one !== undefined)
    if (reason !== undefined) return { ok: false, reason }
  }
  return undefined
}

async function verifyInstrument(
  store: Store,
  recorded: RegisteredInstrument,
): Promise<string | undefined> {
  const { handle } = recorded
  const { instrument } = await store.read({ instrument: handle })
  if (!instrument) return `${handle} is in the records, and not in the ledger`
  return findRowDifference(handle, instrument, recorded, ['endUser', 'registeredAt'])
}
