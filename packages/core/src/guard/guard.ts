import type { Asset } from '../money/asset.ts'
import type { HttpClient } from '../ports/http-client.ts'
import type { Policy } from '../ports/policy.ts'
import type { Rail } from '../ports/rail.ts'
import type { Store } from '../ports/store.ts'
import type { Instruments } from '../signing/instrument.ts'
import type { Background } from './background.ts'
import type { CancellationAnswer } from './cancellation-answer.ts'
import type { Strangers } from './lookup-limit.ts'
import type { Rate } from './rate-limit.ts'
import type { Reconciler } from './reconciler.ts'

/** The parts that all facets share. Never handed to agent code. */
export interface Guard {
  readonly store: Store
  readonly rails: readonly Rail[]
  readonly assets: readonly Asset[]
  readonly policies: readonly Policy[]
  readonly instruments: Instruments
  readonly http: HttpClient
  readonly reconciler: Reconciler
  /** The cancellations that this process is asking for, by payment. */
  readonly cancelling: Map<string, Promise<CancellationAnswer>>
  readonly sessionRate: Rate
  /** The rate of recorded refusals of each ended session. */
  readonly endedRate: Rate
  readonly strangers: Strangers
  /** The limit on lookups of unknown keys of the service. */
  readonly keyStrangers: Strangers
  readonly background: Background
  /** Aborted when the guard closes, so that its own background work begins nothing new. */
  readonly closing: AbortSignal
}

/** Returns the assets that a rail of this guard can pay in. */
export function payableAssets({ rails, assets }: Guard): readonly Asset[] {
  const networks = rails.flatMap((rail) => rail.networks)
  return assets.filter(({ network }) => networks.includes(network))
}
