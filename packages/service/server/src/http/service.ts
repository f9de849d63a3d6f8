import { BursarError, guardedHttp } from '@bursar/core'
import { SHUTDOWN_GRACE_MS } from '../api/service-limits.ts'
import { identityProvider } from '../auth/identity-provider.ts'
import { type BursarConfig, type Environment, readSettings } from '../config/config.ts'
import { findUnsafeLedgerState, findUnsafeSettings } from '../config/unsafe-settings.ts'
import { ledgerVerifier } from '../ledger/ledger-verifier.ts'
import { openGuard } from '../ledger/open-guard.ts'
import { createApp } from './app.ts'
import { type Listener, listen } from './listener.ts'
import { type RequestLog, writeJsonLog } from './request-log.ts'

/** A service that runs. */
export interface Service {
  /** Where it is reached, such as `http://127.0.0.1:8402`. */
  readonly url: string
  /**
   * Takes no new request, answers those under way, waits for every payment that has begun, writes what
   * waits, and closes. Nothing is lost by it.
   */
  close(): Promise<void>
}

/** What a service is started with besides its configuration. */
export interface ServeOptions {
  /** `process.env` if left out. */
  readonly environment?: Environment | undefined
  /** One JSON line a request on the standard output if left out. */
  readonly log?: RequestLog | undefined
}

/**
 * Starts the guard as a service: the composition root, where configuration becomes a guard, an API
 * and a listener. Throws `unsafe_configuration`, with every reason, for what must not be started;
 * `invalid_input` for what cannot be understood; and the store's codes for a ledger that cannot be
 * reached.
 */
export async function serve(config: BursarConfig, options: ServeOptions = {}): Promise<Service> {
  const settings = readSettings(config, options.environment ?? process.env)
  assertSafe(findUnsafeSettings(settings))
  const bursar = await openGuard(settings)
  const { development } = settings.guard
  const identityHttp = guardedHttp(development ? { development } : {})
  const closeParts = async (): Promise<void> => {
    await identityHttp.close()
    await bursar.close()
  }
  try {
    assertSafe(await findUnsafeLedgerState(bursar, settings))
    const { identity } = settings
    const app = createApp({
      bursar,
      archives: settings.archives,
      verify: ledgerVerifier(settings.database, bursar),
      identity: identity && identityProvider(identity, identityHttp),
      log: options.log ?? writeJsonLog,
    })
    const listener = await listen(app.fetch, settings)
    return { url: listener.url, close: createClose(app.drain, listener, closeParts) }
  } catch (error) {
    await closeParts()
    throw error
  }
}

function createClose(
  drain: () => void,
  listener: Listener,
  closeParts: () => Promise<void>,
): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= (async () => {
      drain()
      await listener.closeServer(SHUTDOWN_GRACE_MS)
      // A payment goes on also when its caller has hung up: the guard waits for it.
      await closeParts()
    })()
    return closing
  }
}

/** Every reason at once: whoever corrects them one by one starts many times. */
function assertSafe(reasons: readonly string[]): void {
  if (reasons.length === 0) return
  const message = `The service does not start like this:\n${reasons.map((one) => `- ${one}`).join('\n')}`
  throw new BursarError('unsafe_configuration', message)
}
