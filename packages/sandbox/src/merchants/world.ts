import type { FacilitatorClient } from '@x402/core/server'
import type { SandboxAsset } from '../chain/test-dollar.ts'

/** The surroundings of every merchant in a sandbox. */
export interface World {
  readonly facilitator: FacilitatorClient
  readonly asset: SandboxAsset
  /**
   * Registers `close` to be called when the sandbox stops. The last one registered is called first.
   */
  onStop(close: () => unknown): void
}
