import type { ArchiveResult, Bursar, MerchantUsage } from '@bursar/core'
import { fakePayee } from '@bursar/core/testing'
import { expect } from 'vitest'
import { type GuardWorld, type GuardWorldOptions, guardWorld, HOST, shop } from './guard-world.ts'

/** Opens a world whose delegation has a window. */
export function archiveWorld(more: GuardWorldOptions = {}): Promise<GuardWorld> {
  const delegationLimits = { ...usd('100.00'), windows: [{ per: 'day', amount: '50.00' }] } as const
  return guardWorld({ delegationLimits, ...more })
}

/** A world whose delegation and end user limit each merchant, with two sessions that ended long ago. */
export async function limitedWorld(more: GuardWorldOptions = {}): Promise<GuardWorld> {
  const perMerchant = { payments: 3, windows: [{ per: 'day', amount: '50.00' }] } as const
  const it = await archiveWorld({ delegationLimits: { ...usd('100.00'), perMerchant }, ...more })
  const alice = it.bursar.endUser('alice')
  await alice.setLimits({ ...usd('20.00'), perMerchant: { total: '5.00' } })
  await paySome(it, 1)
  const { bursar, delegation } = it
  const session = bursar.openSession(await another(bursar, delegation))
  await paySome({ ...it, session }, 1)
  await bursar.management.revokeSession(session.id)
  await endLongAgo(it)
  return it
}

/** Returns the usage rows of the delegation and of the end user at the shop. */
export async function merchantUsages({
  store,
  delegation,
}: GuardWorld): Promise<readonly MerchantUsage[]> {
  const found = await store.read({ delegation, host: HOST, payee: fakePayee })
  return found.merchantUsages ?? []
}

const usd = (total: string) => ({ currency: 'USD', total })

/** Pays several times within a session, and proves each payment. */
export async function paySome({ session, bursar }: GuardWorld, count = 3): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const paid = await session.pay(
      { url: shop(`${session.id}/${index}`), purpose: 'x' },
      { conversation: 'thread', id: `${index}` },
    )
    expect(paid.status).toBe('paid')
  }
  await bursar.reconcile()
}

/** Advances the clock by more than a day after the end of the world's session. */
export async function endLongAgo({ bursar, session, clock }: GuardWorld): Promise<void> {
  await bursar.management.revokeSession(session.id)
  clock.advance(25 * 3_600_000)
}

/** Archives the sessions that ended a day ago, and returns the lines of the archive. */
export async function archive(bursar: Bursar, lines: string[] = []): Promise<ArchiveResult> {
  return bursar.administration.archive({
    endedFor: '1d',
    keep: async (given) => {
      for await (const line of given) lines.push(line)
    },
  })
}

/** Creates another session of a delegation and returns its token. */
export async function another(bursar: Bursar, delegation: string): Promise<string> {
  const { token } = await bursar.management.createSession({
    delegation,
    expiresIn: '1h',
    limits: { currency: 'USD', total: '1.00' },
  })
  return token
}
