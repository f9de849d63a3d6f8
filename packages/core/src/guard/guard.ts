import type { Asset } from '../money/asset.ts'
import type { Quotes } from '../pay/quote-cache.ts'
import type { Proofs } from '../pay/unanswered-payloads.ts'
import type { HttpClient } from '../ports/http-client.ts'
import type { Policy } from '../ports/policy.ts'
import type { Rail } from '../ports/rail.ts'
import type { Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import type { CancellationAnswer } from '../settlement/cancellation.ts'
import type { Reconciler } from '../settlement/reconcile.ts'
import type { Instruments } from '../signing/instrument.ts'

/** What the facets share: everything that is outside the model. Never handed to agent code. */
export interface Guard {
  readonly store: Store
  readonly rails: readonly Rail[]
  readonly assets: readonly Asset[]
  readonly policies: readonly Policy[]
  readonly instruments: Instruments
  readonly http: HttpClient
  readonly reconciler: Reconciler
  /** Calls with a key that are under way in this process. */
  readonly flights: Map<string, Flight>
  /** Payments of which this process asks their network to cancel them. */
  readonly cancelling: Map<string, Promise<CancellationAnswer>>
  readonly quotes: Quotes
  /** Proofs that were handed out, until it is known what came of them. */
  readonly proofs: Proofs
  readonly sessionRate: Rate
  /** Of recorded refusals, by session, once it has ended. */
  readonly endedRate: Rate
  readonly strangers: Strangers
  /** The same for keys of the service. */
  readonly keyStrangers: Strangers
  readonly background: Background
  /** Aborted when the guard closes: what it does by itself begins nothing new. */
  readonly closing: AbortSignal
}

/** The assets that a rail of this guard can pay in. */
export function payableAssets({ rails, assets }: Guard): readonly Asset[] {
  const networks = rails.flatMap((rail) => rail.networks)
  return assets.filter(({ network }) => networks.includes(network))
}

/** A call under way: the same key joins it instead of paying again. */
export interface Flight {
  readonly requestHash: string
  /** What may stop the call that leads; who joins it has a signal of its own. */
  readonly signal: AbortSignal | undefined
  readonly result: Promise<{ readonly status: string }>
}

/** Counts what happens in a minute, by name, in this process. */
export interface Rate {
  /** Counts one more: within the rate, the first one over it, or one of many over it. */
  take(name: string, now: number): 'within' | 'first-over' | 'over'
  /** Takes one back that was counted in this minute. */
  giveBack(name: string, now: number): void
}

/** Names that are counted at the same time; the oldest are forgotten beyond it. */
const MAX_NAMES = 10_000

const MINUTE_MS = 60_000

export function perMinute(limit: number): Rate {
  const counts = new Map<string, { minute: number; count: number }>()
  return {
    take: (name, now) => {
      const minute = Math.floor(now / MINUTE_MS)
      const known = counts.get(name)
      const count = known?.minute === minute ? known.count + 1 : 1
      counts.delete(name)
      counts.set(name, { minute, count })
      const oldest = counts.keys().next().value
      if (counts.size > MAX_NAMES && oldest !== undefined) counts.delete(oldest)
      if (count <= limit) return 'within'
      return count === limit + 1 ? 'first-over' : 'over'
    },
    giveBack: (name, now) => {
      const known = counts.get(name)
      if (known?.minute === Math.floor(now / MINUTE_MS)) known.count -= 1
    },
  }
}

/** Tokens that are not known yet: how many may be looked for in vain is limited. */
export interface Strangers {
  /**
   * Finds whom a token belongs to: always, once it is known. Those who ask while it is looked up for
   * the first time wait for what is found. What is found does not count. Each `caller` that was
   * verified has a rate of its own: one that guesses keeps nobody else out.
   * Over it throws `request_rate_exceeded`: of what nobody has looked for, nobody can say that it is none.
   */
  look<Found>(
    tokenHash: string,
    now: number,
    find: () => Promise<Found | undefined>,
    caller?: string,
  ): Promise<Found | undefined>
  know(tokenHash: string): void
}

export function createStrangers(perMinuteLimit: number): Strangers {
  const known = new Set<string>()
  const looking = new Map<string, Promise<unknown>>()
  const rate = perMinute(perMinuteLimit)
  const know = (tokenHash: string): void => {
    known.delete(tokenHash)
    known.add(tokenHash)
    const oldest = known.values().next().value
    if (known.size > MAX_NAMES && oldest !== undefined) known.delete(oldest)
  }
  return {
    know,
    async look(tokenHash, now, find, caller = '') {
      if (!known.has(tokenHash) && looking.has(tokenHash)) await looking.get(tokenHash)
      if (known.has(tokenHash)) {
        know(tokenHash)
        return await find()
      }
      if (rate.take(caller, now) !== 'within') {
        rate.giveBack(caller, now)
        throw tooMany()
      }
      const finding = find()
      const told = finding.then(
        (found) => {
          if (found === undefined) return
          know(tokenHash)
          rate.giveBack(caller, now)
        },
        () => undefined,
      )
      looking.set(tokenHash, told)
      try {
        return await finding
      } finally {
        looking.delete(tokenHash)
      }
    },
  }
}

function tooMany(): BursarError {
  const message =
    'Too many credentials are looked for that this process does not know. Wait a minute.'
  return new BursarError('request_rate_exceeded', message)
}

/** Work that no answer waits for. What fails is told to the operator; `drain` waits for the rest. */
export interface Background {
  run(what: string, work: Promise<unknown>): void
  drain(): Promise<void>
}

export function createBackground(warn: (what: string, error: unknown) => void): Background {
  const running = new Set<Promise<unknown>>()
  return {
    run: (what, work) => {
      const ended: Promise<unknown> = work
        .catch((error: unknown) => warn(what, error))
        // Whoever cannot be told does not keep the guard from closing.
        .catch(() => undefined)
        .finally(() => running.delete(ended))
      running.add(ended)
    },
    drain: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
