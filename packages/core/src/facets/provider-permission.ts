import { type Guard, payableGuardAssets } from '../guard/guard.ts'
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
import { freeName } from '../rules/named-delegation.ts'
import { duringSecretUse, type RecordOpening, useOver } from '../signing/secret-use.ts'

/** The longest time that a grant waits for the provider. A later answer counts as no grant. */
const GRANT_TIMEOUT_MS = 60_000

/**
 * The longest time that a revocation waits for the provider, before the guard retries on its timer.
 */
const WITHDRAW_TIMEOUT_MS = 15_000

/** The most permissions that one run grants or withdraws. The next run continues after them. */
const MAX_SETTLED_PER_RUN = 50

/** The longest wait between two attempts of a withdrawal that keeps failing. */
const MAX_WITHDRAWAL_WAIT_MS = 3_600_000

/** The most withdrawals whose last attempt is remembered. A forgotten one is tried sooner. */
const MAX_PACED = 1_000

/** The permissions that are settled at the same time. */
const CONCURRENCY = 8

/** The form of a provider's id. Another text is not recorded as one. */
const idPattern = /^[\x21-\x7e]{1,200}$/

/**
 * Asks the provider for the permission of a delegation that was just recorded, and reads the permission back. If
 * the provider does not grant it, revokes the delegation, withdraws the permission, and throws
 * `permission_unavailable`. A retry so late that its request could outlive a withdrawal throws the same code
 * and leaves the delegation to the earlier call.
 */
export async function grantAtProvider(guard: Guard, delegation: Delegation): Promise<void> {
  const { id, instrument, createdAt } = delegation
  if (guard.store.now() >= createdAt + ASKING_MS) {
    const text = `grantDelegation: instrument: the provider of ${instrument} was asked before, and has not answered.`
    throw new BursarError('permission_unavailable', text)
  }
  try {
    const permission = await callProvider(guard, delegation, GRANT_TIMEOUT_MS, (permissions) =>
      requestPermission(guard, delegation, permissions),
    )
    const isRevoked = await guard.store.commit(
      { delegation: id },
      (state) => recordPermission(state, id, permission),
      'now',
    )
    // With two requests, a withdrawal may have preceded the second request's effect.
    if (isRevoked)
      await callProvider(
        guard,
        delegation,
        WITHDRAW_TIMEOUT_MS,
        createPermissionWithdrawal(id, permission),
      )
  } catch (cause) {
    await endDelegationWithoutPermission(guard, id, 'the provider did not grant its permission')
    await withdrawAtProvider(guard, id)
    const text = `grantDelegation: instrument: the provider of ${instrument} did not grant its permission: ${readProviderErrorCode(cause)}.`
    throw new BursarError('permission_unavailable', text, { cause })
  }
}

async function requestPermission(
  guard: Guard,
  delegation: Delegation,
  permissions: Permissions,
): Promise<string> {
  const address = await guard.instruments.address(delegation.instrument)
  const request = permissionRequest(delegation, address, payableGuardAssets(guard))
  const { id } = await permissions.grant(request)
  if (typeof id !== 'string' || !idPattern.test(id)) {
    throw new BursarError('permission_invalid', 'The provider answered with what is no id.')
  }
  const found = await permissions.read({ delegation: delegation.id, id })
  if (found === 'granted') return id
  throw new BursarError('permission_absent', 'The provider does not know what it granted.')
}

/**
 * Tries once to withdraw the permission of a revoked delegation, and records the outcome. The permission counts
 * as withdrawn when the provider, asked for it, answers that it is absent.
 */
export async function withdrawAtProvider(guard: Guard, id: string): Promise<void> {
  const { delegation } = await guard.store.read({ delegation: id })
  if (!delegation || !isUnsettled(delegation) || delegation.permission?.state === 'requested')
    return
  const failure = await callProvider(guard, delegation, WITHDRAW_TIMEOUT_MS, (permissions) =>
    withdrawPermission(permissions, permissionName(delegation)),
  ).then(() => undefined, readProviderErrorCode)
  await guard.store.commit(
    { delegation: id },
    (state, now) =>
      failure === undefined
        ? recordPermissionWithdrawal(state, id, now)
        : recordFailedPermissionWithdrawal(state, id, failure),
    'now',
  )
}

/** Asks the provider for the permission of a delegation. */
export async function readAtProvider(
  guard: Guard,
  delegation: Delegation,
): Promise<'granted' | 'absent'> {
  if (!delegation.permission) return 'absent'
  return callProvider(guard, delegation, WITHDRAW_TIMEOUT_MS, (permissions) =>
    permissions.read(permissionName(delegation)),
  )
}

/** Runs a call of the provider within a time limit. Each secret that the call opens is recorded first. */
function callProvider<Result>(
  guard: Guard,
  delegation: Delegation,
  timeoutMs: number,
  work: (permissions: Permissions) => Promise<Result>,
): Promise<Result> {
  const { id } = delegation
  const record: RecordOpening = (opening) =>
    guard.store.commit(
      { delegation: id },
      (state) => recordPermissionSecretUse(state, opening),
      'now',
    )
  return duringSecretUse({ purpose: 'permission', delegation: id }, record, async () =>
    withinDeadline(work(requirePermissions(guard, delegation)), timeoutMs),
  )
}

function recordPermissionSecretUse(
  { delegation }: LedgerState,
  opening: SecretOpening,
): Change<undefined> {
  if (!delegation?.permission) throw useOver('There is no permission that is asked for.')
  const { id, endUser } = delegation
  const subject = { purpose: 'permission', delegation: id, endUser } as const
  return { result: undefined, events: [{ type: 'secret-opened', ...subject, ...opening }] }
}

function permissionName({ id, permission }: Delegation): PermissionName {
  return { delegation: id, ...(permission?.id === undefined ? {} : { id: permission.id }) }
}

async function withdrawPermission(permissions: Permissions, name: PermissionName): Promise<void> {
  await permissions.revoke(name)
  if ((await permissions.read(name)) === 'absent') return
  throw new BursarError('permission_still_granted', 'The provider has not withdrawn it yet.')
}

function createPermissionWithdrawal(
  delegation: string,
  id: string,
): (permissions: Permissions) => Promise<void> {
  return (permissions) => withdrawPermission(permissions, { delegation, id })
}

/** A job that finishes grants and withdrawals that failed or that an ended process left open. */
export interface PermissionSettler {
  run(): Promise<void>
}

/** Creates the job that settles the permissions of this process's wallets, some on each run. */
export function createPermissionSettler(guard: Guard): PermissionSettler {
  let resumeAfter: string | undefined
  const pace = createProviderPace()
  return {
    async run() {
      const { store, instruments } = guard
      if (!instruments.entries().some(([, { permissions }]) => permissions)) return
      const bounds = { after: resumeAfter, limit: MAX_SETTLED_PER_RUN }
      const page = await store.delegations({ unsettled: true }, bounds)
      resumeAfter = page.rows.length === MAX_SETTLED_PER_RUN ? page.cursor : undefined
      // Only a process that has the wallet can settle its permissions: other delegations are skipped.
      const own = page.rows.filter(({ instrument }) => instruments.get(instrument)?.permissions)
      await inTurns(own, CONCURRENCY, async (delegation) => {
        if (guard.closing.aborted || !pace.isDue(delegation, store.now())) return
        await settlePermission(guard, delegation)
      })
    },
  }
}

/** Creates a pace for failing withdrawals: each waits as long as it has been failing, because an attempt may record. */
function createProviderPace(): { isDue(delegation: Delegation, now: number): boolean } {
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

async function settlePermission(
  guard: Guard,
  { id, permission, createdAt }: Delegation,
): Promise<void> {
  if (permission?.state === 'requested') {
    // The call that asked the provider for the permission may still be waiting.
    if (guard.store.now() < createdAt + REQUEST_LIFE_MS) return
    await endDelegationWithoutPermission(guard, id, 'its permission was never granted')
  }
  await withdrawAtProvider(guard, id)
}

/** Revokes a delegation for which the wallet's provider granted no permission. */
async function endDelegationWithoutPermission(
  { store }: Guard,
  id: string,
  reason: string,
): Promise<void> {
  const scope = { delegation: id }
  await store.commit(scope, (state, now) => recordPermissionEnd(state, id, reason, now), 'now')
}

function requirePermissions(guard: Guard, { instrument }: Delegation): Permissions {
  const permissions = guard.instruments.get(instrument)?.permissions
  if (permissions) return permissions
  const text = `The instrument ${instrument} has no permissions at a provider in this process.`
  throw new BursarError('permission_unavailable', text)
}

function recordPermission(
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

function recordPermissionEnd(
  { delegation }: LedgerState,
  id: string,
  reason: string,
  now: number,
): Change<undefined> {
  if (!delegation) throw unknownDelegation(id)
  if (delegation.permission?.state !== 'requested') return noChange
  const { endUser } = delegation
  return {
    result: undefined,
    delegations: [revokedDelegation(delegation, now)],
    operations: freeName(delegation, now),
    events: [{ type: 'delegation-revoked', delegation: id, endUser, reason }],
  }
}

function recordPermissionWithdrawal(
  { delegation }: LedgerState,
  id: string,
  now: number,
): Change<undefined> {
  if (!delegation?.permission) throw unknownDelegation(id)
  const { endUser, permission, createdAt } = delegation
  if (!isPermissionBeingWithdrawn(delegation)) return noChange
  // If the provider has not answered the request for a permission, the permission may still take
  // effect after a withdrawal, so a withdrawal now is not final.
  if (permission.id === undefined && now < createdAt + REQUEST_LIFE_MS) return noChange
  return {
    result: undefined,
    delegations: [{ ...delegation, permission: { ...permission, state: 'withdrawn' } }],
    events: [{ type: 'permission-revoked', delegation: id, endUser }],
  }
}

/** Records a failed withdrawal, once for a delegation however often it fails. */
function recordFailedPermissionWithdrawal(
  { delegation }: LedgerState,
  id: string,
  reason: string,
): Change<undefined> {
  if (delegation?.permission?.state !== 'withdrawing') return noChange
  const { endUser, permission } = delegation
  return {
    result: undefined,
    delegations: [{ ...delegation, permission: { ...permission, state: 'not_withdrawn' } }],
    events: [{ type: 'permission-withdrawal-failed', delegation: id, endUser, reason }],
  }
}

function isPermissionBeingWithdrawn({ permission }: Delegation): boolean {
  return permission?.state === 'withdrawing' || permission?.state === 'not_withdrawn'
}

const noChange: Change<undefined> = { result: undefined, events: [] }

/** Returns the code of an error, never its text, which the provider may have written. */
function readProviderErrorCode(error: unknown): string {
  return BursarError.isInstance(error) ? error.code : 'failed'
}
