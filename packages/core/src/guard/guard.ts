import type { Asset } from '../money/asset.ts'
import type { HttpClient } from '../ports/http-client.ts'
import type { Policy } from '../ports/policy.ts'
import type { Rail } from '../ports/rail.ts'
import type { Store } from '../ports/store.ts'
import type { Instruments } from '../signing/instrument.ts'
import type { Background } from './background.ts'
import type { CancellationAnswer } from './cancellation-answer.ts'
import type { Strangers } from './lookup-limit.ts'
import type { NetworkAsks } from './network-asks.ts'
import type { PresentedKeys } from './presented-keys.ts'
import type { Rate } from './rate-limit.ts'
import type { Reconciler } from './reconciler.ts'

/** The parts that the facets share. Agent code never gets it. */
export interface Guard {
  readonly store: Store
  readonly rails: readonly Rail[]
  readonly assets: readonly Asset[]
  readonly policies: readonly Policy[]
  readonly instruments: Instruments
  readonly http: HttpClient
  readonly reconciler: Reconciler
  /** Cancellations in flight in this process, by payment. */
  readonly cancelling: Map<string, Promise<CancellationAnswer>>
  /** Limits the calls of a session and all below it, by root session. */
  readonly sessionRate: Rate
  /** Limits the recorded refusals of a session that has ended, by session. */
  readonly endedRate: Rate
  /** Limits look-ups of unknown session tokens. */
  readonly strangers: Strangers
  /** The keys of the service that were presented to this process. */
  readonly keys: PresentedKeys
  /** Bounds what calls ask of payment networks. */
  readonly networkAsks: NetworkAsks
  readonly background: Background
  /** Aborted when the guard closes: its own work begins nothing new. */
  readonly closing: AbortSignal
}

/** Returns the assets that a rail of this guard can pay in. */
export function payableGuardAssets({ rails, assets }: Guard): readonly Asset[] {
  const networks = rails.flatMap((rail) => rail.networks)
  return assets.filter(({ network }) => networks.includes(network))
}
