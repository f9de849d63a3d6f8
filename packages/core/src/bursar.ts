import { z } from 'zod'
import { type Auditing, createAuditing } from './audit/auditing.ts'
import { createEventHub, emitCommittedEvents } from './audit/event-hub.ts'
import {
  type Administration,
  createAdministration,
  parseInstrument,
  registerInstrument,
} from './facets/administration.ts'
import { attributeCommits, recordedCallerInput } from './facets/attributed-store.ts'
import {
  type AuthenticateOptions,
  authenticate,
  type VerifiedKey,
} from './facets/authentication.ts'
import { createEmbeddedPort } from './facets/embedded-session.ts'
import { createEndUser, type EndUser } from './facets/end-user.ts'
import { createManagement, type Management } from './facets/management.ts'
import { createPermissionSettler } from './facets/provider-permission.ts'
import { createBackground } from './guard/background.ts'
import type { Guard } from './guard/guard.ts'
import { createUnknownLookupLimit } from './guard/lookup-limit.ts'
import { createNetworkAsks } from './guard/network-asks.ts'
import { createPresentedKeys } from './guard/presented-keys.ts'
import { limitRatePerMinute } from './guard/rate-limit.ts'
import type { Reconciliation } from './guard/reconciler.ts'
import {
  assertNoDevelopmentHosts,
  deadlineField,
  developmentInput,
  guardedHttp,
} from './http/guarded-http.ts'
import type { RecordedCaller } from './ledger/audit-event.ts'
import { readSessionToken } from './ledger/bearer-token.ts'
import type { Asset } from './money/asset.ts'
import { listedStablecoins, pinnedAssets, type StablecoinSymbol } from './money/pinned-assets.ts'
import { createPayState, type PayGuard } from './pay/pay-state.ts'
import type { HttpClient } from './ports/http-client.ts'
import type { Policy } from './ports/policy.ts'
import { hasMethod, railField, storeField } from './ports/port-fields.ts'
import type { Rail } from './ports/rail.ts'
import type { Store } from './ports/store.ts'
import { BursarError } from './primitives/errors.ts'
import { nameField, parseInputFields } from './primitives/fields.ts'
import { PaymentSession } from './session/payment-session.ts'
import { createReconciler } from './settlement/reconcile.ts'
import { type Instrument, Instruments } from './signing/instrument.ts'

/** The parts that `createBursar` joins into a guard. */
export interface BursarOptions {
  /** The ledger's store. The guard closes it. */
  readonly store: Store
  /** The payment protocols that the guard can pay by. At least one. */
  readonly rails: readonly Rail[]
  /**
   * Wallets with their owners, by handle. `administration.registerInstrument` adds more.
   * @default {}
   */
  readonly instruments?: Readonly<Record<string, Instrument>> | undefined
  /**
   * Policies that decide on every payment, besides limits and merchants. One deny refuses the payment.
   * @default []
   */
  readonly policies?: readonly Policy[] | undefined
  /**
   * Assets that may be paid in, besides the pinned ones of `pinnedAssets`.
   * @default []
   */
  readonly assets?: readonly Asset[] | undefined
  /**
   * Listed stablecoins, besides USDC, that count 1:1 as US dollars, such as `['USDT0']`. That they keep
   * their value is your risk.
   *
   * @default []
   */
  readonly stablecoins?: readonly StablecoinSymbol[] | undefined
  /**
   * Development mode: these hosts may be reached by http and at local addresses. Refused with
   * `invalid_input` if NODE_ENV is `production`.
   * @default undefined
   */
  readonly development?: { readonly hosts: readonly string[] } | undefined
  /**
   * The deadline of a request to a merchant in milliseconds, from resolving the host to the last byte of the
   * body; at most 600,000. A paid request may take as long as its challenge says, if that is longer, up to 120
   * seconds. With `http` it is refused: that client has its own.
   * @default 30000
   */
  readonly deadlineMs?: number | undefined
  /**
   * Another implementation of the guarded HTTP client. It has to keep the promises of `HttpClient`.
   * @default guardedHttp()
   */
  readonly http?: HttpClient | undefined
}

/**
 * A guard: one facet for each role, none of which can both raise a budget and spend it. Code that holds this
 * object is trusted with all of them. Give agent code a `PaymentSession` only.
 */
export interface Bursar {
  /** The facet that registers instruments, issues keys and archives. */
  readonly administration: Administration
  /** The facet that creates, changes and ends sessions. */
  readonly management: Management
  /** The facet that reads and verifies. */
  readonly auditing: Auditing
  /** Returns the facet of one end user. Throws `invalid_input` if the name can't be one. */
  endUser(id: string): EndUser
  /**
   * Returns facets whose changes name a caller in their audit records. Pass a caller whom you have verified. A
   * payment's records name the session's own payer instead.
   */
  as(caller: RecordedCaller): Pick<Bursar, 'administration' | 'management' | 'endUser'>
  /**
   * Opens the session of a token. Does not throw for an unknown token: every call on the session is then denied
   * with `session_unknown`. The same happens if the session is bound to a payer's credential and `payer` is
   * not the id of that credential. Pass an id that you have verified. Throws `invalid_input` for a text
   * that has not the form of a token.
   */
  openSession(token: string, options?: { readonly payer?: string | undefined }): PaymentSession
  /**
   * Returns the caller of a key of the service. Returns undefined if the text is no key, or the key is revoked,
   * expired or rotated away. Every call reads the ledger, unless the key's id is made up. Throws
   * `request_rate_exceeded` only while too many keys that this process does not know are looked up at the same
   * time, and never if `urgent` says that the caller wants to stop something.
   */
  authenticate(key: string, options?: AuthenticateOptions): Promise<VerifiedKey | undefined>
  /**
   * Asks the rails about unproven payments, and wallet providers to withdraw revoked permissions. The guard also
   * does this when it opens and on a timer.
   */
  reconcile(): Promise<Reconciliation>
  /**
   * Waits for payments in flight, flushes pending writes, and closes the store. Does not wait for a rail's proof:
   * the next guard over the ledger asks about unproven payments.
   */
  close(): Promise<void>
}

/** The time between two reconciliations on the guard's timer. */
const RECONCILE_EVERY_MS = 15_000

/** The calls of one session in a minute. An agent that makes more is in a loop. */
const MAX_CALLS_PER_MINUTE = 600

/** The recorded refusals of an ended session in a minute. More would repeat the first. */
const MAX_ENDED_RECORDS_PER_MINUTE = 10

/** The failed look-ups of tokens in a minute for one caller, which bounds guessing. */
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
  store: storeField,
  rails: z.array(railField).min(1),
  instruments: z.record(z.string(), z.custom<Instrument>()).optional(),
  policies: z
    .array(z.custom<Policy>((value) => hasMethod(value, 'evaluate'), 'is not a policy'))
    .optional(),
  assets: z.array(assetInput).optional(),
  stablecoins: z.array(z.enum(['USDT', 'USDT0', 'USAT'])).optional(),
  development: developmentInput.optional(),
  deadlineMs: deadlineField.optional(),
  http: z.custom<HttpClient>((value) => hasMethod(value, 'request'), 'is not a client').optional(),
})

/**
 * Joins a store, rails, instruments and policies into a guard. Throws `invalid_input` if an option is wrong. The
 * owners of instruments are recorded in the background, and the first call waits for that.
 *
 * @example
 * ```ts
 * import { fakeRail, fakeWallet } from '@bursar/core/testing'
 *
 * const bursar = createBursar({
 *   store,
 *   rails: [fakeRail()],
 *   instruments: { 'alice-wallet': { endUser: 'alice', wallet: fakeWallet() } },
 * })
 * ```
 */
export function createBursar(options: BursarOptions): Bursar {
  const input = parseInputFields(optionsInput, options, 'createBursar')
  assertNoDevelopmentHosts(input.development, 'createBursar')
  for (const [handle, instrument] of Object.entries(input.instruments ?? {})) {
    parseInstrument(handle, instrument)
  }
  const hub = createEventHub()
  const closing = new AbortController()
  const guard: PayGuard = {
    ...createGuard(input, emitCommittedEvents(input.store, hub), closing.signal),
    ...createPayState(),
  }
  const ready = retryUntilDone(async () => {
    for (const [handle, instrument] of Object.entries(input.instruments ?? {})) {
      await registerInstrument(guard, handle, instrument)
    }
  })
  const permissions = createPermissionSettler(guard)
  const timer = runBursarJobs(guard, ready, {
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
      const caller = parseInputFields(recordedCallerInput, given, 'as')
      // Reconciliation is not attributed to a caller, so it keeps the plain store.
      return facets({ ...guard, store: attributeCommits(guard.store, caller) })
    },
    auditing: createAuditing(guard.store, hub),
    openSession: (token, options = {}) => {
      const holder = readSessionToken(token)
      if (!holder)
        throw new BursarError('invalid_input', 'openSession: token: is no session token.')
      const { payer } = parseInputFields(payerInput, options, 'openSession')
      return new PaymentSession(
        holder.session,
        createEmbeddedPort(guard, ready, { ...holder, payer }),
      )
    },
    authenticate: async (key, options = {}) => {
      await ready()
      return authenticate(guard, key, options)
    },
    reconcile: async () => {
      await ready()
      const found = await guard.reconciler.run()
      await permissions.run()
      return found
    },
    close: runOnce(async () => {
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
  const { rails, policies = [], development, deadlineMs } = input
  if (input.http && deadlineMs !== undefined) {
    const text =
      'createBursar: deadlineMs: is of the client that http replaces. Give it to that one.'
    throw new BursarError('invalid_input', text)
  }
  // Pinned assets come first, so that configuration adds assets and can't redefine one.
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
    http: input.http ?? guardedHttp({ development, deadlineMs }),
    reconciler: createReconciler({ store, rails, assets, warn: warnBursarOperator, closing }),
    cancelling: new Map(),
    sessionRate: limitRatePerMinute(MAX_CALLS_PER_MINUTE),
    endedRate: limitRatePerMinute(MAX_ENDED_RECORDS_PER_MINUTE),
    strangers: createUnknownLookupLimit(MAX_STRANGE_CALLS_PER_MINUTE),
    keys: createPresentedKeys(),
    networkAsks: createNetworkAsks(),
    background: createBackground(warnBursarOperator),
    closing,
  }
}

/** Warns the operator about a failure in the background, which no call can throw. */
function warnBursarOperator(what: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.emitWarning(`Could not ${what}: ${message}`, { type: 'BursarWarning' })
}

/** Runs jobs when the guard opens, and then on a timer that doesn't keep the process alive. */
function runBursarJobs(
  guard: Guard,
  ready: () => Promise<void>,
  works: Readonly<Record<string, { run(): Promise<unknown> }>>,
): { stop(): void } {
  const running = new Set<string>()
  const run = async (what: string, work: { run(): Promise<unknown> }): Promise<void> => {
    // Each job runs on its own, so that a slow provider doesn't delay the rails.
    if (running.has(what)) return
    running.add(what)
    try {
      await ready()
      await work.run()
    } catch (error) {
      // A closed store ends the timer: no job can run on it.
      if (!BursarError.isInstance(error) || error.code !== 'store_closed') throw error
      clearInterval(timer)
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

/** Returns a function that runs the work until it has succeeded once. A later call retries a failure. */
function retryUntilDone(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined
      throw error
    })
    return result
  }
}

/** Returns a function that runs the work on its first call. Every call gets that result or failure. */
function runOnce(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => {
    result ??= work()
    return result
  }
}
