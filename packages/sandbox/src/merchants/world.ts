import type { FacilitatorClient } from '@x402/core/server'
import type { SandboxAsset } from '../chain/test-dollar.ts'

/** What every merchant of a sandbox stands on. */
export interface World {
  readonly facilitator: FacilitatorClient
  readonly asset: SandboxAsset
  /** Has `close` called when the sandbox is stopped; what was opened last is closed first. */
  onStop(close: () => unknown): void
}
