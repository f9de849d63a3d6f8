import { z } from 'zod'
import { type Auditing, createAuditing } from './audit/auditing.ts'
import { createHub, observed } from './audit/event-hub.ts'
import { type Administration, createAdministration, register } from './facets/administration.ts'
import { attributed, recordedCallerInput } from './facets/attributed-store.ts'
import { authenticate, type VerifiedKey } from './facets/authentication.ts'
import { embeddedPort } from './facets/embedded-session.ts'
import { createEndUser, type EndUser } from './facets/end-user.ts'
import { createManagement, type Management } from './facets/management.ts'
import { createPermissionSettler } from './facets/provider-permission.ts'
import { createBackground } from './guard/background.ts'
import type { Guard } from './guard/guard.ts'
import { createStrangers } from './guard/lookup-limit.ts'
import { perMinute } from './guard/rate-limit.ts'
import type { Reconciliation } from './guard/reconciler.ts'
import { guardedHttp, refuseInProduction } from './http/guarded-http.ts'
import type { RecordedCaller } from './ledger/audit-event.ts'
import { readSessionToken } from './ledger/bearer-token.ts'
import type { Asset } from './money/asset.ts'
import { listedStablecoins, pinnedAssets, type StablecoinSymbol } from './money/pinned-assets.ts'
import { createPayState, type PayGuard } from './pay/pay-state.ts'
import type { HttpClient } from './ports/http-client.ts'
import type { Policy } from './ports/policy.ts'
import type { Rail } from './ports/rail.ts'
import type { Store } from './ports/store.ts'
import { BursarError } from './primitives/errors.ts'
import { nameField, parseInput } from './primitives/fields.ts'
import { PaymentSession } from './session/payment-session.ts'
import { createReconciler } from './settlement/reconcile.ts'
import { type Instrument, Instruments } from './signing/instrument.ts'

/** What a guard is made of. */
export interface BursarOptions {
  readonly store: Store
  readonly rails: readonly Rail[]
  /** Wallets with their owners, by handle. More can be registered by `administration`. */
  readonly instruments?: Readonly<Record<string, Instrument>> | undefined
  readonly policies?: readonly Policy[] | undefined
  /** Assets besides the ones that are pinned already. */
  readonly assets?: readonly Asset[] | undefined
  /**
   * Listed stablecoins, besides USDC, that count 1:1 as US dollars, such as `['USDT0']`. That they keep
   * their value is your risk.
   *
   * @default []
   */
  readonly stablecoins?: readonly StablecoinSymbol[] | undefined
  /**
   * Development mode: these hosts may be http and local. Refused where NODE_ENV is `production`.
   */
  readonly development?: { readonly hosts: readonly string[] } | undefined
  /** Another implementation of the guarded HTTP client; it has to keep the seam's promises. */
  readonly http?: HttpClient | undefined
}

/**
 * A guard: one facet for each role, none of which can both raise a budget and spend it.
 * Whoever holds this object is trusted; agent code gets a `PaymentSession` and nothing else.
 */
export interface Bursar {
  readonly administration: Administration
  readonly management: Management
  readonly auditing: Auditing
  /** What one end user may do, on what is theirs. */
  endUser(id: string): EndUser
  /**
   * The facets of this guard for somebody whom the records of their changes are to name. Name only
   * who was verified. What a payer does has the session's own payer in its records.
   */
  as(caller: RecordedCaller): Pick<Bursar, 'administration' | 'management' | 'endUser'>
  /**
   * The session that a token speaks of. A token of no session pays nothing, and is told so; so does
   * one whose session is bound to a payer, unless `payer` names that credential. Name only one that
   * you have verified.
   */
  openSession(token: string, options?: { readonly payer?: string | undefined }): PaymentSession
  /**
   * Whose key of the service this is; `undefined` for what is no key, or is revoked, expired or
   * rotated away. The ledger is read at every call. Throws `request_rate_exceeded` where too many are asked
   * for that this process does not know yet.
   */
  authenticate(key: string): Promise<VerifiedKey | undefined>
  /**
   * Asks the rails about what is unproven, and providers for permissions that are still to be withdrawn.
   * It also runs by itself, when opened and on a timer.
   */
  reconcile(): Promise<Reconciliation>
  /**
   * Waits for payments under way, writes what waits, and closes. What is unproven then, the next guard
   * over the ledger asks about: no rail is waited for.
   */
  close(): Promise<void>
}

/** How often the guard asks the rails by itself. */
const RECONCILE_EVERY_MS = 15_000

/** Calls of one session in a minute; an agent that needs more is looping. */
const MAX_CALLS_PER_MINUTE = 600

/** Refusals of a session that has ended which are recorded in a minute: the rest says nothing new. */
const MAX_ENDED_RECORDS_PER_MINUTE = 10

/** Tokens that this process looks for in vain in a minute, for one caller: guesses end here. */
const MAX_STRANGE_CALLS_PER_MINUTE = 1_000

const assetInput = z.strictObject({
  network: z.string().regex(/^eip155:[1-9][0-9]{0,19}$/, 'must be a network such as eip155:8453'),
  address: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address with 40 hex digits')
    .transform((text) => text.toLowerCase()),
  symbol: z.string().min(1).max(20),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency code such as USD'),
  decimals: z.number().int().min(0).max(36),
  name: z.string().min(1).max(100),
  version: z.string().min(1).max(20),
})

const payerInput = z.strictObject({ payer: nameField.optional() })

const optionsInput = z.strictObject({
  store: z.custom<Store>((value) => has(value, 'commit'), 'is not a store'),
  rails: z.array(z.custom<Rail>((value) => has(value, 'offers'), 'is not a rail')).min(1),
  instruments: z.record(z.string(), z.custom<Instrument>()).optional(),
  policies: z
    .array(z.custom<Policy>((value) => has(value, 'evaluate'), 'is not a policy'))
    .optional(),
  assets: z.array(assetInput).optional(),
  stablecoins: z.array(z.enum(['USDT', 'USDT0', 'USAT'])).optional(),
  development: z.strictObject({ hosts: z.array(z.string()) }).optional(),
  http: z.custom<HttpClient>((value) => has(value, 'request'), 'is not a client').optional(),
})

/**
 * Joins a store, rails, instruments and policies into a guard. Throws `invalid_input` for what is
 * wrong with the options; what has to be recorded first is awaited by the first call.
 *
 * @example
 * const bursar = createBursar({
 *   store: sqliteStore({ path: 'bursar.db' }),
 *   rails: [x402({ networks: { 'eip155:8453': { rpcUrl } } })],
 *   instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
 * })
 */
export function createBursar(options: BursarOptions): Bursar {
  const input = parseInput(optionsInput, options, 'createBursar')
  refuseInProduction(input.development, 'createBursar')
  const hub = createHub()
  const closing = new AbortController()
  const guard: PayGuard = {
    ...createGuard(input, observed(input.store, hub), closing.signal),
    ...createPayState(),
  }
  const ready = untilDone(async () => {
    for (const [handle, instrument] of Object.entries(input.instruments ?? {})) {
      await register(guard, handle, instrument)
    }
  })
  const permissions = createPermissionSettler(guard)
  const timer = byItself(guard, ready, {
    reconcile: guard.reconciler,
    'settle permissions': permissions,
  })
  const facets = (of: Guard): ReturnType<Bursar['as']> => ({
    administration: createAdministration(of, ready),
    management: createManagement(of, ready),
    endUser: (id) => createEndUser(of, ready, id),
  })
  return {
    ...facets(guard),
    as: (given) => {
      const caller = parseInput(recordedCallerInput, given, 'as')
      // Proof is nobody's doing: the reconciler stays with the store as it is.
      return facets({ ...guard, store: attributed(guard.store, caller) })
    },
    auditing: createAuditing(guard.store, hub),
    openSession: (token, options = {}) => {
      const holder = readSessionToken(token)
      if (!holder)
        throw new BursarError('invalid_input', 'openSession: token: is no session token.')
      const { payer } = parseInput(payerInput, options, 'openSession')
      return new PaymentSession(holder.session, embeddedPort(guard, ready, { ...holder, payer }))
    },
    authenticate: async (key) => {
      await ready()
      return authenticate(guard, key)
    },
    reconcile: async () => {
      await ready()
      const found = await guard.reconciler.run()
      await permissions.run()
      return found
    },
    close: once(async () => {
      timer.stop()
      closing.abort()
      await guard.background.drain()
      await guard.http.close()
      await guard.store.close()
    }),
  }
}

function createGuard(
  input: z.output<typeof optionsInput>,
  store: Store,
  closing: AbortSignal,
): Guard {
  const { rails, policies = [], development } = input
  // What is pinned comes first: configuration adds assets, and cannot redefine one.
  const assets: readonly Asset[] = [
    ...pinnedAssets,
    ...listedStablecoins.filter(({ symbol }) => input.stablecoins?.includes(symbol)),
    ...(input.assets ?? []).map((asset) => Object.freeze(asset)),
  ]
  return {
    store,
    rails,
    assets,
    policies,
    instruments: new Instruments(),
    http: input.http ?? guardedHttp(development ? { development } : {}),
    reconciler: createReconciler({ store, rails, assets, warn, closing }),
    cancelling: new Map(),
    sessionRate: perMinute(MAX_CALLS_PER_MINUTE),
    endedRate: perMinute(MAX_ENDED_RECORDS_PER_MINUTE),
    strangers: createStrangers(MAX_STRANGE_CALLS_PER_MINUTE),
    keyStrangers: createStrangers(MAX_STRANGE_CALLS_PER_MINUTE),
    background: createBackground(warn),
    closing,
  }
}

/** What no answer can say, the operator hears from the process. */
function warn(what: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.emitWarning(`Could not ${what}: ${message}`, { type: 'BursarWarning' })
}

/** Runs when the guard opens, and then on a timer that keeps no process alive. */
function byItself(
  guard: Guard,
  ready: () => Promise<void>,
  works: Readonly<Record<string, { run(): Promise<unknown> }>>,
): { stop(): void } {
  const running = new Set<string>()
  const run = async (what: string, work: { run(): Promise<unknown> }): Promise<void> => {
    // A provider that is slow does not keep the rails from being asked, nor the other way round.
    if (running.has(what)) return
    running.add(what)
    try {
      await ready()
      await work.run()
    } finally {
      running.delete(what)
    }
  }
  const start = (): void => {
    for (const [what, work] of Object.entries(works)) guard.background.run(what, run(what, work))
  }
  const timer = setInterval(start, RECONCILE_EVERY_MS).unref()
  start()
  return { stop: () => clearInterval(timer) }
}

/** Runs until it has succeeded once: what could not be recorded now, the next call tries again. */
function untilDone(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined
      throw error
    })
    return result
  }
}

/** Runs once, however often it is called; a failure is every caller's. */
function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => {
    result ??= work()
    return result
  }
}

function has(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Readonly<Record<string, unknown>>)[method] === 'function'
  )
}
