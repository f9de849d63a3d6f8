import { type Guard, payableAssets } from '../guard/guard.ts'
import {
  type Delegation,
  isUnsettled,
  revokedDelegation,
  unknownDelegation,
} from '../ledger/delegation.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { SecretOpening } from '../ledger/secret-opening.ts'
import {
  ASKING_MS,
  type PermissionName,
  type Permissions,
  permissionRequest,
  REQUEST_LIFE_MS,
} from '../ports/permissions.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { inTurns } from '../primitives/in-turns.ts'
import { duringSecretUse, type RecordOpening, useOver } from '../signing/secret-use.ts'

/** A provider that does not answer within this time has not granted. */
const GRANT_TIMEOUT_MS = 60_000

/** Whoever revokes waits so long for the provider; after that it is tried again in the background. */
const WITHDRAW_TIMEOUT_MS = 15_000

/** Permissions that one run looks after; the next run goes on behind them. */
const MAX_SETTLED_PER_RUN = 50

/** A withdrawal that goes on failing is tried at least this often. */
const MAX_WITHDRAWAL_WAIT_MS = 3_600_000

/** Withdrawals whose last attempt is remembered; one that is forgotten is tried sooner. */
const MAX_PACED = 1_000

/** Permissions that are settled at the same time. */
const CONCURRENCY = 8

/** Ids of providers are shorter; nothing else is recorded as one. */
const idPattern = /^[\x21-\x7e]{1,200}$/

/**
 * Asks the provider for the permission of a delegation that was just recorded, and reads it back. What is
 * not granted is revoked at once, and withdrawn: then it throws `permission_unavailable`. Asked again so late
 * that the request could outlive its withdrawal, it throws the same, and leaves it to those who asked before.
 */
export async function grantAtProvider(guard: Guard, delegation: Delegation): Promise<void> {
  const { id, instrument, createdAt } = delegation
  if (guard.store.now() >= createdAt + ASKING_MS) {
    const text = `grantDelegation: instrument: the provider of ${instrument} was asked before, and has not answered.`
    throw new BursarError('permission_unavailable', text)
  }
  try {
    const permission = await asking(guard, delegation, GRANT_TIMEOUT_MS, (permissions) =>
      ask(guard, delegation, permissions),
    )
    const isRevoked = await guard.store.commit(
      { delegation: id },
      (state) => permissionGranted(state, id, permission),
      'now',
    )
    // Asked for twice, it may have been withdrawn before the second request took effect.
    if (isRevoked) await asking(guard, delegation, WITHDRAW_TIMEOUT_MS, takeBack(id, permission))
  } catch (cause) {
    await endUngranted(guard, id, 'the provider did not grant its permission')
    await withdrawAtProvider(guard, id)
    const text = `grantDelegation: instrument: the provider of ${instrument} did not grant its permission: ${codeOf(cause)}.`
    throw new BursarError('permission_unavailable', text, { cause })
  }
}

async function ask(
  guard: Guard,
  delegation: Delegation,
  permissions: Permissions,
): Promise<string> {
  const address = await guard.instruments.address(delegation.instrument)
  const request = permissionRequest(delegation, address, payableAssets(guard))
  const { id } = await permissions.grant(request)
  if (typeof id !== 'string' || !idPattern.test(id)) {
    throw new BursarError('permission_invalid', 'The provider answered with what is no id.')
  }
  const found = await permissions.read({ delegation: delegation.id, id })
  if (found === 'granted') return id
  throw new BursarError('permission_absent', 'The provider does not know what it granted.')
}

/**
 * Withdraws the permission of a delegation that is revoked, once, and records what came of it. It is
 * withdrawn when the provider says, asked for it, that it is not there.
 */
export async function withdrawAtProvider(guard: Guard, id: string): Promise<void> {
  const { delegation } = await guard.store.read({ delegation: id })
  if (!delegation || !isUnsettled(delegation) || delegation.permission?.state === 'requested')
    return
  const failure = await asking(guard, delegation, WITHDRAW_TIMEOUT_MS, (permissions) =>
    withdraw(permissions, nameOf(delegation)),
  ).then(() => undefined, codeOf)
  await guard.store.commit(
    { delegation: id },
    (state, now) =>
      failure === undefined ? withdrawn(state, id, now) : notWithdrawn(state, id, failure),
    'now',
  )
}

/** What the provider says about the permission of a delegation now. */
export async function readAtProvider(
  guard: Guard,
  delegation: Delegation,
): Promise<'granted' | 'absent'> {
  if (!delegation.permission) return 'absent'
  return asking(guard, delegation, WITHDRAW_TIMEOUT_MS, (permissions) =>
    permissions.read(nameOf(delegation)),
  )
}

/** Waits for the provider, which may open its secrets meanwhile: each is recorded first. */
function asking<Result>(
  guard: Guard,
  delegation: Delegation,
  timeoutMs: number,
  work: (permissions: Permissions) => Promise<Result>,
): Promise<Result> {
  const { id } = delegation
  const record: RecordOpening = (opening) =>
    guard.store.commit({ delegation: id }, (state) => openSecret(state, opening), 'now')
  return duringSecretUse({ purpose: 'permission', delegation: id }, record, async () =>
    withinDeadline(work(permissionsOf(guard, delegation)), timeoutMs),
  )
}

function openSecret({ delegation }: LedgerState, opening: SecretOpening): Change<undefined> {
  if (!delegation?.permission) throw useOver('There is no permission that is asked for.')
  const { id, endUser } = delegation
  const subject = { purpose: 'permission', delegation: id, endUser } as const
  return { result: undefined, events: [{ type: 'secret-opened', ...subject, ...opening }] }
}

function nameOf({ id, permission }: Delegation): PermissionName {
  return { delegation: id, ...(permission?.id === undefined ? {} : { id: permission.id }) }
}

async function withdraw(permissions: Permissions, name: PermissionName): Promise<void> {
  await permissions.revoke(name)
  if ((await permissions.read(name)) === 'absent') return
  throw new BursarError('permission_still_granted', 'The provider has not withdrawn it yet.')
}

function takeBack(delegation: string, id: string): (permissions: Permissions) => Promise<void> {
  return (permissions) => withdraw(permissions, { delegation, id })
}

/** Goes on with what could not be done, or was not done before a process ended. */
export interface PermissionSettler {
  run(): Promise<void>
}

export function createPermissionSettler(guard: Guard): PermissionSettler {
  let resumeAfter: string | undefined
  const pace = createPace()
  return {
    async run() {
      const { store, instruments } = guard
      if (!instruments.entries().some(([, { permissions }]) => permissions)) return
      const bounds = { after: resumeAfter, limit: MAX_SETTLED_PER_RUN }
      const page = await store.delegations({ unsettled: true }, bounds)
      resumeAfter = page.rows.length === MAX_SETTLED_PER_RUN ? page.cursor : undefined
      // What another process has the wallet of is its to settle.
      const own = page.rows.filter(({ instrument }) => instruments.get(instrument)?.permissions)
      await inTurns(own, CONCURRENCY, async (delegation) => {
        if (guard.closing.aborted || !pace.isDue(delegation, store.now())) return
        await settle(guard, delegation)
      })
    },
  }
}

/** What goes on failing waits as long as it has failed, for each attempt may open a secret and be a record. */
function createPace(): { isDue(delegation: Delegation, now: number): boolean } {
  const triedAt = new Map<string, number>()
  return {
    isDue({ id, permission, revokedAt }, now) {
      const tried = triedAt.get(id)
      if (permission?.state === 'not_withdrawn' && tried !== undefined) {
        const failedFor = tried - (revokedAt ?? tried)
        if (now < tried + Math.min(failedFor, MAX_WITHDRAWAL_WAIT_MS)) return false
      }
      triedAt.delete(id)
      triedAt.set(id, now)
      if (triedAt.size > MAX_PACED) triedAt.delete(`${triedAt.keys().next().value}`)
      return true
    },
  }
}

async function settle(guard: Guard, { id, permission, createdAt }: Delegation): Promise<void> {
  if (permission?.state === 'requested') {
    // Whoever asked for it may still be waiting.
    if (guard.store.now() < createdAt + REQUEST_LIFE_MS) return
    await endUngranted(guard, id, 'its permission was never granted')
  }
  await withdrawAtProvider(guard, id)
}

/** Revokes a delegation whose permission was asked for, and not granted. */
async function endUngranted({ store }: Guard, id: string, reason: string): Promise<void> {
  const scope = { delegation: id }
  await store.commit(scope, (state, now) => ended(state, id, reason, now), 'now')
}

function permissionsOf(guard: Guard, { instrument }: Delegation): Permissions {
  const permissions = guard.instruments.get(instrument)?.permissions
  if (permissions) return permissions
  const text = `The instrument ${instrument} has no permissions at a provider in this process.`
  throw new BursarError('permission_unavailable', text)
}

function permissionGranted(
  { delegation }: LedgerState,
  id: string,
  permission: string,
): Change<boolean> {
  if (!delegation) throw unknownDelegation(id)
  // Asked for twice, or revoked meanwhile: then it is being withdrawn.
  if (delegation.permission?.state !== 'requested') {
    return { result: delegation.revokedAt !== undefined, events: [] }
  }
  const { endUser } = delegation
  return {
    result: false,
    delegations: [{ ...delegation, permission: { id: permission, state: 'granted' } }],
    events: [{ type: 'permission-granted', delegation: id, endUser, permission }],
  }
}

function ended(
  { delegation }: LedgerState,
  id: string,
  reason: string,
  now: number,
): Change<undefined> {
  if (!delegation) throw unknownDelegation(id)
  if (delegation.permission?.state !== 'requested') return unchanged
  const { endUser } = delegation
  return {
    result: undefined,
    delegations: [revokedDelegation(delegation, now)],
    events: [{ type: 'delegation-revoked', delegation: id, endUser, reason }],
  }
}

function withdrawn({ delegation }: LedgerState, id: string, now: number): Change<undefined> {
  if (!delegation?.permission) throw unknownDelegation(id)
  const { endUser, permission, createdAt } = delegation
  if (!isBeingWithdrawn(delegation)) return unchanged
  // Without an answer to the request it may still take effect, so that withdrawing it now is not the end.
  if (permission.id === undefined && now < createdAt + REQUEST_LIFE_MS) return unchanged
  return {
    result: undefined,
    delegations: [{ ...delegation, permission: { ...permission, state: 'withdrawn' } }],
    events: [{ type: 'permission-revoked', delegation: id, endUser }],
  }
}

/** Recorded once: the attempts after it say nothing new. */
function notWithdrawn({ delegation }: LedgerState, id: string, reason: string): Change<undefined> {
  if (delegation?.permission?.state !== 'withdrawing') return unchanged
  const { endUser, permission } = delegation
  return {
    result: undefined,
    delegations: [{ ...delegation, permission: { ...permission, state: 'not_withdrawn' } }],
    events: [{ type: 'permission-withdrawal-failed', delegation: id, endUser, reason }],
  }
}

function isBeingWithdrawn({ permission }: Delegation): boolean {
  return permission?.state === 'withdrawing' || permission?.state === 'not_withdrawn'
}

const unchanged: Change<undefined> = { result: undefined, events: [] }

/** The code of what went wrong; its text may be the provider's. */
function codeOf(error: unknown): string {
  return BursarError.isInstance(error) ? error.code : 'failed'
}
