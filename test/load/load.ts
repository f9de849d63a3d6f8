import { setTimeout as delay } from 'node:timers/promises'
import { connect, connectEndUser, connectManagement } from '@bursar/client'
import { BursarError } from '@bursar/core'
import { openWorld, type ServiceKeys, type World } from '../../examples/service/src/world.ts'
import type { StoreKind } from '../places/store-place.ts'
import { storePlaces } from '../places/store-places.ts'
import { ledgerGuard } from '../service/ledger-guard.ts'
import { type Account, account, proveAll, readLedger } from './account.ts'
import { type Belief, toldOutcome } from './belief.ts'
import { runClient, type SharedSession } from './client.ts'
import { type Fleet, startFleet } from './fleet.ts'

/** The size of a load. */
export interface LoadSize {
  readonly kind: StoreKind
  readonly forMs: number
  readonly clients: number
  /** The time between two restarts. */
  readonly restartEveryMs: number
}

/** The report of a load run: its settings, and the comparison of all accounts. */
export interface LoadReport extends Account {
  readonly kind: StoreKind
  readonly servers: number
  readonly seconds: number
  readonly restarts: Fleet['restarts']
  /** The number of calls, by the answers that their clients got. */
  readonly answers: Readonly<Record<string, number>>
  /** The number of calls that were repeated at the end, when all payments were proved. */
  readonly askedAgain: number
}

/** The number of servers over one ledger: one for a SQLite file, which is made for one writer. */
const SERVERS: Readonly<Record<StoreKind, number>> = { sqlite: 1, postgres: 2 }

/** The number of clients that share a session, so that they compete for its budget. */
const SHARED_BY = 3

/** The limit of a session: 25 payments, so that sessions are often used up. */
const SESSION = { currency: 'USD', total: '0.25' }

/** The limit of a delegation: more than the load can spend. */
const FUNDS = '100000.00'

/** The number of calls with an unknown outcome that are repeated at the end. */
const MAX_ASKED_AGAIN = 40

/** The time between two progress reports. */
const PROGRESS_MS = 5_000

/**
 * Lets clients pay while servers are killed and restarted. Compares the clients' beliefs, the
 * ledger and the transfers on the chain.
 */
export async function load(
  size: LoadSize,
  onProgress: (line: string) => void = () => {},
): Promise<LoadReport> {
  const places = await storePlaces(size.kind)
  const database = await places.empty()
  const world = await openWorld({ environment: { BURSAR_DATABASE: database }, funds: FUNDS })
  try {
    return await runLoad(world, size, onProgress)
  } finally {
    await world.stop()
    await places.stop()
  }
}

async function runLoad(
  world: World,
  size: LoadSize,
  onProgress: (line: string) => void,
): Promise<LoadReport> {
  const { kind, forMs } = size
  const keys = await world.issueKeys()
  const fleet = await startFleet(world, SERVERS[kind])
  const beliefs: Belief[] = []
  const startedAt = performance.now()
  const isOver = (): boolean => performance.now() - startedAt > forMs
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    const { SIGKILL, SIGTERM } = fleet.restarts
    const paid = beliefs.filter(({ answer }) => answer === 'paid').length
    const line = `${seconds} of ${forMs / 1_000} s: ${beliefs.length} calls, ${paid} paid`
    onProgress(`${kind}: ${line}, ${SIGKILL} kills, ${SIGTERM} orderly restarts`)
  }, PROGRESS_MS)
  try {
    await Promise.all([
      restarting(fleet, size.restartEveryMs, isOver),
      ...clients({ world, keys, fleet, size, beliefs, isOver }),
    ])
  } finally {
    clearInterval(progress)
  }
  const seconds = (performance.now() - startedAt) / 1_000
  await fleet.stop()
  const compared = await settledAccount(world, beliefs, (left) =>
    onProgress(`${kind}: ${left} payments are not proved yet`),
  )
  const answers: Record<string, number> = {}
  for (const { answer } of beliefs) answers[answer] = (answers[answer] ?? 0) + 1
  const { restarts } = fleet
  return { kind, servers: SERVERS[kind], seconds, restarts, answers, ...compared }
}

/** Grants a delegation for the merchants of the load, at one server. */
async function grantDelegation(
  { world, keys }: Load,
  url: string,
  idempotencyKey: string,
): Promise<string> {
  const { honest, hostile } = world.sandbox.merchants
  const merchants = [honest, hostile.dropsConnection, hostile.failsAfterPayment, hostile.withholds]
  const alice = connectEndUser({ url, key: keys.alice.key })
  const input = {
    agent: 'load',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    merchants: merchants.map(({ host }) => ({ host })),
    consent: { how: 'test' },
    limits: { currency: 'USD', total: FUNDS },
  }
  return (await alice.grantDelegation(input, { idempotencyKey })).id
}

async function restarting(fleet: Fleet, everyMs: number, isOver: () => boolean): Promise<void> {
  await delay(everyMs)
  while (!isOver()) {
    await fleet.restartNext()
    await delay(everyMs)
  }
}

interface Load {
  readonly world: World
  readonly keys: ServiceKeys
  readonly fleet: Fleet
  readonly size: LoadSize
  readonly beliefs: Belief[]
  readonly isOver: () => boolean
}

function clients(load: Load): readonly Promise<void>[] {
  const { keys, fleet, size, beliefs, isOver } = load
  const resource = resources(load.world)
  const shared: SharedSession[] = []
  return Array.from({ length: size.clients }, async (_, index) => {
    // The load has two agents, each with its own key.
    const which = Math.floor(index / SHARED_BY)
    const agent = which % 2 === 0 ? keys.agent : keys.otherAgent
    shared[which] ??= sharedSession(load, agent.id)
    const session = shared[which]
    await session.next('')
    const believe = (belief: Belief): void => void beliefs.push(belief)
    const client = { name: `client-${index}`, key: agent.key, session, urls: fleet.urls }
    await runClient({ ...client, resource, isOver, believe })
  })
}

/** Picks the honest merchant mostly, and sometimes one that leaves a payment in doubt. */
function resources({ sandbox }: World): () => string {
  const { honest, hostile } = sandbox.merchants
  const doubtful = [hostile.dropsConnection, hostile.failsAfterPayment, hostile.withholds]
  let number = 0
  return () => {
    number += 1
    const merchant = number % 8 === 0 ? doubtful[(number / 8) % doubtful.length] : undefined
    return `${(merchant ?? honest).url}/item/${number}`
  }
}

/**
 * Opens the next session, under a delegation of its own. Retries under one idempotency key, because the server may be restarting.
 */
function sharedSession(load: Load, payer: string): SharedSession {
  const { keys, fleet } = load
  let opening: Promise<void> | undefined
  const open = async (): Promise<void> => {
    const idempotencyKey = crypto.randomUUID()
    for (let asked = 0; ; asked += 1) {
      const url = fleet.urls[asked % fleet.urls.length] ?? ''
      const application = connectManagement({ url, key: keys.application.key })
      try {
        const delegation = await grantDelegation(load, url, idempotencyKey)
        const input = { delegation, expiresIn: '8h', limits: SESSION, payer }
        session.token = (await application.createSession(input, { idempotencyKey })).token
        return
      } catch (error) {
        const isAway = BursarError.isInstance(error) && error.code === 'service_unreachable'
        if (!isAway || asked > 20) throw error
      }
    }
  }
  const session: SharedSession = {
    token: '',
    async next(usedUp) {
      if (session.token !== usedUp) return
      opening ??= open().finally(() => {
        opening = undefined
      })
      await opening
    },
  }
  return session
}

/** Waits until no payment can move, proves all, and compares. Then repeats the uncertain calls. */
async function settledAccount(
  world: World,
  beliefs: readonly Belief[],
  onProgress: (left: number) => void,
): Promise<Account & { readonly askedAgain: number }> {
  const { sandbox, alice } = world
  await sandbox.merchants.hostile.withholds.settleLater()
  const ledger = await ledgerGuard(world)
  await proveAll(ledger, onProgress)
  const transfers = async () =>
    (await sandbox.transfers()).filter(({ from }) => from === alice.address)
  const read = await readLedger(ledger)
  await ledger.close()
  const compared = account(read, beliefs, await transfers())
  const paid = new Set(
    read.payments
      .filter(({ state }) => state === 'settled')
      .map(({ merchant, path }) => `http://${merchant}${path}`),
  )
  const again = beliefs
    .filter(({ answer, url }) => toldOutcome(answer) === 'unknown' && paid.has(url))
    .slice(0, MAX_ASKED_AGAIN)
  const { url } = await world.startGuard()
  const problems = [...compared.problems]
  for (const { token, key, call, url: resource } of again) {
    const result = await connect({ url, key, token }).pay({ url: resource, purpose: 'load' }, call)
    if (toldOutcome(result.status) === 'paid') continue
    problems.push(`The call ${call.conversation}/${call.id} is paid, and is told ${result.status}.`)
  }
  const after = (await transfers()).length
  if (after !== compared.transfers) problems.push('Asking again has moved money.')
  return { ...compared, problems, askedAgain: again.length }
}
